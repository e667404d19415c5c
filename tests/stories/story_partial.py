"""Recipients that differ: one with a key, one without, under each setting of site.partial. Whatever happens, the sender hears of the refused one, and nothing goes to him."""
import email
import smtplib

from api import Client, https_config, token_for
from house import House, until

GOOD, BAD = "buerger@aussen.example", "ohne@aussen.example"
TEXT = "Zebrastreifen4711"


def main():
    with House() as h:
        h.extra = https_config(h)
        h.write_config()
        h.add_account()

        def configure(partial):
            h.write_config()
            h.config.write_text(h.config.read_text().replace('language = "de"', f'language = "de"\npartial = "{partial}"', 1))

        h.start()
        h.trust_authority()
        h.import_own("amt53@stadt.example")
        cert, key = h.import_partner(GOOD)

        def submit(options=(), sender="amt53@stadt.example", to=(GOOD, BAD)):
            s = h.client("relay")
            s.ehlo_or_helo_if_needed()
            raw = f"From: amt53@stadt.example\r\nTo: {', '.join(to)}\r\nSubject: Befund\r\n\r\n{TEXT}\r\n".encode()
            try:
                assert s.mail(sender)[0] == 250
                for r in to:
                    assert s.rcpt(r, options if r == BAD else ())[0] == 250
                return s.data(raw)
            except smtplib.SMTPDataError as e:
                return e.smtp_code, e.smtp_error
            finally:
                s.close()

        # the default: nobody gets it, and the reply names who stood in the way
        code, text = submit()
        assert code == 550 and BAD.encode() in text and GOOD.encode() not in text, text

        configure("split")
        h.cli("reload")
        code, text = submit()
        assert code == 250
        sent = h.internet.wait(1)[0]
        assert sent["to"] == [GOOD] and TEXT.encode() in h.decrypt(sent["data"], cert, key)
        m = h.mailboxes.wait(1)[0]
        report = email.message_from_bytes(m["data"])
        status = report.get_payload()[1].as_string()
        assert m["to"] == ["amt53@stadt.example"] and m["from"] == "" and TEXT.encode() not in m["data"]
        assert BAD in status and "Action: failed" in status and "Status: 5.7.1" in status and GOOD not in status
        assert "Gesundheitsdaten" in report.get_payload()[0].get_payload(decode=True).decode()
        # by HTTPS the answer names him too: a program reads no reports
        status, _, taken = Client(h, token_for(h)["token"]).json("POST", "/v1/messages", {"from": "amt53@stadt.example", "to": [GOOD, BAD], "subject": "Befund", "text": TEXT})
        assert status == 202 and [(r["address"], r["decision"]) for r in taken["recipients"]] == [(GOOD, "deliver"), (BAD, "refuse")], taken
        assert taken["recipients"][1]["reason"] == "no_key" and BAD in taken["recipients"][1]["detail"], taken
        h.internet.wait(2)
        h.mailboxes.wait(2)
        # a message that nobody may get, or whose sender could not be told, is refused as before
        assert submit(to=(BAD,))[0] == 550
        assert submit(["NOTIFY=NEVER"])[0] == 550
        assert submit(sender="")[0] == 550

        configure("hold")
        h.cli("reload")
        code, text = submit()
        assert code == 250
        mid = text.decode().split()[2]
        assert h.internet.wait(3)[2]["to"] == [GOOD]
        notice = email.message_from_bytes(h.mailboxes.wait(3)[2]["data"]).get_payload()[1].as_string()
        assert BAD in notice and "Action: delayed" in notice and GOOD not in notice
        states = until("one delivered, one held", lambda: [r for r in h.json("queue", "show", mid)["recipients"] if r["state"] == "held"])
        assert len(states) == 1 and states[0]["address"] == BAD and states[0]["reason"] == "no_key"
        # a release decides again: without a key it stays, with one it leaves encrypted
        assert h.json("queue", "release", mid, "--reason", "bitte")["released"] == 0
        cert2, key2 = h.import_partner(BAD)
        assert h.json("queue", "release", mid, "--reason", "Schluessel da")["released"] == 1
        sent = h.internet.wait(4)[3]
        assert sent["to"] == [BAD] and TEXT.encode() in h.decrypt(sent["data"], cert2, key2)
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
        assert len(h.internet.messages) == 4 and len(h.mailboxes.messages) == 3
        assert h.stop() == 0
        assert h.fsck().returncode == 0


if __name__ == "__main__":
    main()
    print("partial: good")
