"""Once a day administrators hear what waits for them, and auditors get the log's checkpoint, with which the log is held against later."""
import email
import email.policy
import os

from house import BINARY, House, run, until

REPORTS = """
[reports]
administrators = ["betrieb@stadt.example", "leitung@stadt.example"]
auditors = "pruefung@revision.example"
at = "00:00"
"""


def letters(sink, address):
    return [m["data"] for m in sink.messages if m["to"] == [address]]


def main():
    with House(extra=REPORTS) as h:
        (h.dir / "policies" / "10.toml").write_text(h.policy.replace('otherwise = "refuse"', 'otherwise = "hold"'))
        h.add_account()
        h.start()
        # nothing is held yet: the auditors' mail goes, no digest does
        until("the checkpoint is mailed", lambda: letters(h.internet, "pruefung@revision.example"))
        h.stop()
        assert not letters(h.mailboxes, "betrieb@stadt.example")
        mail = h.dir / "checkpoint.eml"
        mail.write_bytes(letters(h.internet, "pruefung@revision.example")[0])
        message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
        assert "Prüfpunkt" in message["Subject"] and h.vkey().split("+")[0] in message.get_content(), message.get_content()

        # the same day again: nothing more, for either; yesterday's mark: both, and now there is something to say
        h.start()
        h.submit(to=["ohne-schluessel@example.org"])
        held = h.json("queue", "list", "--held")["messages"][0]["mid"]
        h.stop()
        assert len(letters(h.internet, "pruefung@revision.example")) == 1
        import sqlite3
        db = sqlite3.connect(h.dir / "state" / "store.sqlite")
        assert db.execute("SELECT count(*) FROM meta WHERE name LIKE 'mark:daily.%'").fetchone() == (2,)
        db.execute("UPDATE meta SET value=CAST('2026-01-01' || substr(value,11) AS BLOB) WHERE name LIKE 'mark:daily.%'")
        db.commit()
        db.close()
        h.start()
        until("the digests are delivered", lambda: letters(h.mailboxes, "betrieb@stadt.example") and letters(h.mailboxes, "leitung@stadt.example"))
        until("the next checkpoint is mailed", lambda: len(letters(h.internet, "pruefung@revision.example")) == 2)
        digest = email.message_from_bytes(letters(h.mailboxes, "betrieb@stadt.example")[0], policy=email.policy.default)
        text = digest.get_content()
        assert "1 Empfänger sind angehalten" in text and held in text and "held_by_rule" in text, text
        for secret in ("ohne-schluessel", "amt53", "Probe", "Hallo"):
            assert secret not in text, text
        h.stop()

        # the log begins with what was mailed
        log = h.dir / "state" / "log"

        def fsck():
            r = run(BINARY, "receipts", "fsck", log, "--vkey", h.vkey(), "--against", mail, check=False)
            return r.returncode, r.stdout.decode()

        code, text = fsck()
        assert code == 0 and "against" in text, text
        # a log of another history under the same key: whoever rewrites it is found out
        h.dir.joinpath("state").rename(h.dir / "honest")
        h.add_account()
        h.start()
        h.submit(to=["anders@example.org"])
        h.stop()
        code, text = fsck()
        assert code == 1 and "against" in text, text
        # without that mail nobody would see it
        assert h.fsck().returncode == 0
        assert os.path.exists(h.dir / "honest")


main()
