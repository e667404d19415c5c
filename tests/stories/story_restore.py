"""docs/operations.md, Restore, to the letter: the machine is lost with state, keys and secrets; data and keys come back from their two places. What was
queued goes out protected, what comes in is opened; a newer log in place of the copy's is never forked; without it the mail that auditors hold tells."""
import email
import json
import pathlib
import shutil
import sqlite3

from house import BINARY, House, run, until

REPORTS = '[reports]\nauditors = "pruefung@revision.example"\nat = "00:00"\n'
POLICY = """
[[rule]]
name = "Praxis"
when = { direction = "outbound", recipient_domain = ["aerzte.example"] }
then = { sign = "smime", encrypt = ["smime"], otherwise = "refuse" }

[[rule]]
name = "Firma"
when = { direction = "outbound", recipient_domain = ["firma.example"] }
then = { sign = "openpgp", encrypt = [], otherwise = "clear", transport = "any" }
"""
SECRETS = ("seal.key", "log.key", "openpgp.key")


def copy(source, to):
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to)


def checkpoint_mails(h):
    return [m["data"] for m in h.internet.messages if m["to"] == ["pruefung@revision.example"]]


def arrived(h, address):
    return [m["data"] for m in h.internet.messages if m["to"] == [address]]


def make_house(h):
    h.add_account()
    h.trust_authority()
    own = h.import_own("amt53@stadt.example")
    praxis = h.import_partner("praxis@aerzte.example", "RSA:2048")
    h.cli("keys", "generate", "amt53@stadt.example")
    h.start()
    until("the first checkpoint is mailed", lambda: checkpoint_mails(h))
    return own, praxis


def mail_the_checkpoint(h):
    """As on the next day."""
    h.stop()
    db = sqlite3.connect(h.dir / "state" / "store.sqlite")
    db.execute("UPDATE meta SET value=CAST('2026-01-01' || substr(value,11) AS BLOB) WHERE name LIKE 'mark:daily.%'")
    db.commit()
    db.close()
    h.start()
    until("the next checkpoint is mailed", lambda: len(checkpoint_mails(h)) == 2)


def lose_everything(h):
    h.stop()
    shutil.rmtree(h.dir / "state")
    for name in SECRETS:
        (h.dir / name).unlink()


def restore(h, data, keys):
    shutil.rmtree(h.dir / "state", ignore_errors=True)
    shutil.copytree(data, h.dir / "state")
    for name in ("keys", "gnupg"):
        shutil.copytree(keys / name, h.dir / "state" / name)
    for name in SECRETS:
        shutil.copy2(keys / name, h.dir / name)


def back_up(h):
    data, keys = h.dir / "data-backup", h.dir / "keys-backup"
    h.cli("store", "backup", data)
    keys.mkdir()
    # gpg-agent's sockets are no keys
    for name in ("keys", "gnupg"):
        shutil.copytree(h.dir / "state" / name, keys / name, ignore=lambda d, names: [n for n in names if (pathlib.Path(d) / n).is_socket()])
    for name in SECRETS:
        shutil.copy2(h.dir / name, keys / name)
    return data, keys


def send_in(h, own):
    """Encrypted mail from outside, opened with our restored key."""
    (h.dir / "inner").write_bytes(b"Content-Type: text/plain\r\n\r\nVertraulich\r\n")
    out = h.dir / "encrypted"
    run("openssl", "cms", "-encrypt", "-in", h.dir / "inner", "-binary", "-aes256", "-out", out, "-crlfeol", own[0])
    head = b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMessage-ID: <1@aerzte.example>\r\n"
    before = len(h.mailboxes.messages)
    h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=head + out.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return h.mailboxes.wait(before + 1)[before]["data"]


def fsck_against(h, mail):
    (h.dir / "auditors.eml").write_bytes(mail)
    return run(BINARY, "receipts", "fsck", h.dir / "state" / "log", "--vkey", h.vkey(), "--against", h.dir / "auditors.eml", check=False)


with House(policy=POLICY, extra=REPORTS, retry='first = "30m"\nmost = "1h"') as h:
    own, praxis = make_house(h)
    h.internet.answers["rcpt praxis@aerzte.example"] = "451 4.2.0 busy"
    queued = h.submit(["praxis@aerzte.example"], text="Befund").split()[2]
    until("it was tried", lambda: h.leaves("relay.defer"))
    data, keys = back_up(h)

    # after the backup: what was queued is delivered, another one comes and goes, and the auditors hear of it
    h.internet.answers.clear()
    h.json("queue", "retry", queued)
    until("it arrives", lambda: arrived(h, "praxis@aerzte.example"))
    lost = h.submit(["info@firma.example"], text="danach").split()[2]
    until("it arrives, too", lambda: arrived(h, "info@firma.example"))
    accepted_lines = [json.loads(e)["mid"] for e in h.events if '"message.accepted"' in e]
    mail_the_checkpoint(h)
    newest = h.dir / "newest-log"
    h.stop()
    vkey = h.vkey()
    copy(h.dir / "state" / "log", newest)
    lose_everything(h)

    # steps 1 to 3 with the newer log: the start is refused, and nothing is changed by it
    restore(h, data, keys)
    copy(newest, h.dir / "state" / "log")
    assert h.cli("check").stdout.startswith(b"good")
    refused = run(BINARY, "serve", "--config", h.config, check=False)
    assert refused.returncode == 2 and b"log_rollback" in refused.stderr and b"new-epoch" in refused.stderr, refused
    h.cli("receipts", "new-epoch", "--reason", "Platte defekt, Sicherung von Sonntag")
    # step 4, before the next hop may be reached
    h.internet.answers["rcpt"] = "451 4.2.0 not yet"
    h.start()
    assert [m["mid"] for m in h.json("queue", "list")["messages"] if m["mid"] != lost] == [queued]
    # what came after the backup is lost; its receipts in the surviving log and the old log lines name it
    assert h.cli("queue", "show", lost, check=False).returncode == 1
    assert lost in accepted_lines
    assert any(lost.encode() in p.read_bytes() for p in (h.dir / "state" / "log").rglob("tile/entries/**/*") if p.is_file())
    h.internet.answers.clear()
    h.json("queue", "retry", queued)
    until("what was sent after the backup goes out once more", lambda: len(arrived(h, "praxis@aerzte.example")) == 2)
    for entity in arrived(h, "praxis@aerzte.example"):
        assert b"Befund" in h.verify(h.decrypt(entity, *praxis)) and b"Befund" not in entity
    # and the house works as before: OpenPGP signs, incoming mail is opened, the account may log in
    h.submit(["info@firma.example"], text="wieder da")
    until("signed by OpenPGP", lambda: len(arrived(h, "info@firma.example")) == 2)
    assert b"PGP SIGNATURE" in arrived(h, "info@firma.example")[1]
    opened = send_in(h, own)
    assert b"Vertraulich" in opened and "opened=yes" in email.message_from_bytes(opened)["Amtsbote-Protection"].replace("\n", "")
    assert h.stop() == 0
    h.fsck()
    assert fsck_against(h, checkpoint_mails(h)[1]).returncode == 0  # the older epoch was kept as auditors know it
    foreign = h.foreign_fsck()
    assert foreign.returncode == 0, foreign.stdout + foreign.stderr

    # all is lost but the copies: it starts, and the auditors' mail contradicts it
    lose_everything(h)
    restore(h, data, keys)
    h.start()
    assert h.json("status")["log"]["size"] > 0 and h.vkey() == vkey
    assert h.stop() == 0
    h.fsck()
    told = fsck_against(h, checkpoint_mails(h)[1])
    assert told.returncode == 1 and b"against" in told.stdout, told
    assert fsck_against(h, checkpoint_mails(h)[0]).returncode == 0  # older than the backup: still true
