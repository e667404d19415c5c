"""What goes back by itself never carries content: a bounce of opened mail, an automatic reply, a notice of a hold, our own reports. A marker is searched for in all that leaves."""
import base64
import smtplib

from house import House, run, until
from story_egress import forms

POLICY = """
[[rule]]
name = "Gesundheitsdaten"
when = { direction = "outbound", department = "gesundheitsamt" }
then = { encrypt = ["smime"], otherwise = "refuse" }

[[rule]]
name = "warten"
when = { direction = "outbound", department = "bauamt", keyword = "warten" }
then = { encrypt = ["smime"], otherwise = "hold" }

[[rule]]
name = "offen"
when = { direction = "outbound", department = ["bauamt", "poststelle"] }
then = { otherwise = "clear", transport = "any" }
"""

MARKER = "Zebrastreifen4711"


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def leaks(message):
    return any(form in message["data"] for form in forms(MARKER))


def report(third):
    """As the internal mail server writes it: a null reverse path, and the whole of what we delivered."""
    return (b"From: Mail Delivery <mailer-daemon@stadt.example>\r\nTo: praxis@aerzte.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
            b"Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\nContent-Type: text/plain\r\n\r\nPostfach voll.\r\n"
            b"--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.stadt.example\r\n\r\nFinal-Recipient: rfc822; amt53@stadt.example\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
            b"--r\r\n" + third + b"\r\n--r--\r\n")


def send_null(h, raw, to="praxis@aerzte.example"):
    s = h.client("relay")
    try:
        s.ehlo_or_helo_if_needed()
        for code, reply in (s.mail(""), s.rcpt(to), s.data(raw)):
            if code != 250:
                raise smtplib.SMTPDataError(code, reply)
        return reply.decode().split()[2]
    finally:
        s.close()


def main():
    with House(policy=POLICY, extra='[[department]]\nid = "poststelle"\naddresses = ["mailer-daemon@stadt.example"]\n') as h:
        text = h.config.read_text().replace('departments = ["gesundheitsamt", "bauamt"]', 'departments = ["gesundheitsamt", "bauamt", "poststelle"]')
        h.config.write_text(text)
        h.start()
        h.trust_authority()
        own, _ = h.import_own("amt53@stadt.example")
        bounce(h, own)
        automatic_reply(h)
        hold(h)
        reports(h, own)
        until("an empty queue", lambda: h.json("status")["queue"]["due"] == 0)
        assert not any(leaks(m) for m in h.internet.messages)
        assert h.stop() == 0


def encrypted_mail(h, own):
    (h.dir / "entity").write_bytes(f"Content-Type: text/plain\r\n\r\n{MARKER}\r\n".encode())
    run("openssl", "cms", "-encrypt", "-in", h.dir / "entity", "-binary", "-aes256", "-out", h.dir / "encrypted", "-crlfeol", own)
    return b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMessage-ID: <1@aerzte.example>\r\n" + crlf((h.dir / "encrypted").read_bytes())


def bounce(h, own):
    """The sender encrypted; the internal server cannot deliver and sends the opened mail back, although the policy lets its mail go in clear."""
    h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=encrypted_mail(h, own))
    opened = h.mailboxes.wait(1)[0]["data"]
    assert MARKER.encode() in opened
    for n, third in enumerate((b"Content-Type: message/rfc822\r\n\r\n" + opened,
                               b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(opened).replace(b"\n", b"\r\n"),
                               b"Content-Type: text/plain; name=original.eml\r\n\r\n" + opened)):
        send_null(h, report(third))
        out = h.internet.wait(n + 1)[n]
        assert out["from"] == "" and b"Status: 5.2.2" in out["data"] and b"Postfach voll." in out["data"]
        assert not leaks(out), out["data"]
    assert b"Subject: Antwort" in h.internet.messages[0]["data"]
    # signed by the server: nothing under a signature is changed, so it does not leave
    signed = (b"From: mailer-daemon@stadt.example\r\nContent-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=s\r\n\r\n--s\r\nContent-Type: message/rfc822\r\n\r\n"
              + opened + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n")
    mid = send_null(h, signed)
    until("it is held", lambda: h.json("queue", "show", mid)["recipients"][0]["state"] == "held")
    h.cli("queue", "cancel", mid, "--reason", "Ende")


def automatic_reply(h):
    """A department's automatic reply falls under the department's rules like any mail of it."""
    raw = (f"From: amt53@stadt.example\r\nTo: praxis@aerzte.example\r\nSubject: Re: Antwort\r\nAuto-Submitted: auto-replied\r\n\r\nIhre Nachricht: {MARKER}\r\n").encode()
    before = len(h.internet.messages)
    try:
        send_null(h, raw)
        raise AssertionError("taken without a key")
    except smtplib.SMTPDataError as e:
        assert e.smtp_code == 550, e
    cert, key = h.import_partner("praxis@aerzte.example")
    send_null(h, raw)
    out = h.internet.wait(before + 1)[before]
    assert out["from"] == "" and not leaks(out) and MARKER.encode() in h.decrypt(out["data"], cert, key)


def hold(h):
    """Held: the sender hears of it, without content, and nothing leaves until a key is there."""
    before, boxes = len(h.internet.messages), len(h.mailboxes.messages)
    mid = h.submit(["niemand@aussen.example"], sender="bauamt@stadt.example", role="relay", subject="[warten] Akte", text=MARKER).split()[2]
    assert h.json("queue", "show", mid)["recipients"][0]["state"] == "held"
    assert h.json("queue", "release", mid, "--reason", "bitte")["released"] == 0
    for m in h.mailboxes.messages[boxes:]:
        assert not leaks(m), m["data"]
    assert len(h.internet.messages) == before
    h.cli("queue", "cancel", mid, "--reason", "Ende")


def reports(h, own):
    """Our own reports: of mail of ours to its sender, and of mail from outside, which the internal server refused after we opened it, to a stranger."""
    h.internet.answers["rcpt"] = "550 5.1.1 nobody here"
    boxes = len(h.mailboxes.messages)
    h.submit(["weg@aussen.example"], sender="bauamt@stadt.example", role="relay", text=MARKER)
    dsn = h.mailboxes.wait(boxes + 1)[boxes]
    assert dsn["from"] == "" and b"5.1.1" in dsn["data"] and not leaks(dsn)
    h.internet.answers.pop("rcpt")
    h.mailboxes.answers["data"] = "552 5.2.2 mailbox full"
    before = len(h.internet.messages)
    h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=encrypted_mail(h, own))
    dsn = h.internet.wait(before + 1)[before]
    assert dsn["from"] == "" and dsn["to"] == ["praxis@aerzte.example"] and b"5.2.2" in dsn["data"] and not leaks(dsn)
    h.mailboxes.answers.pop("data")


if __name__ == "__main__":
    main()
    print("answers: good")
