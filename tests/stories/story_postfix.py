"""Beside Postfix, with the configurations of docs/beside/postfix.md: in front as the departments' mail server, over verified TLS and with
refusals that reach the sender; behind as the relay, over verified TLS, and its bounce comes back to the department."""
import email
import smtplib

from house import PATIENCE, House, until
from neighbours import Page, Postfix, needs

needs("postfix")
PAGE = Page("postfix.md")
CITIZEN = "buerger@aussen.example"


def send(port, sender, to, subject):
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE, local_hostname="pc.stadt.example") as s:
        s.sendmail(sender, [to], f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nText von {subject}\r\n")


def in_front(h, port):
    send(port, "bauamt@stadt.example", CITIZEN, "offen")
    arrived = h.internet.wait(1)[0]
    assert b"Text von offen" in arrived["data"] and arrived["from"] == "bauamt@stadt.example"
    assert b"with ESMTPS" in arrived["data"], "Postfix spoke TLS with the gateway"

    # confidential, and nobody has a key: refused in the dialogue, and Postfix tells the sender why
    send(port, "amt53@stadt.example", CITIZEN, "vertraulich")
    bounce = email.message_from_bytes(h.mailboxes.wait(1)[0]["data"])
    report = bounce.as_string()
    assert h.mailboxes.messages[0]["to"] == ["amt53@stadt.example"] and bounce.get_content_type() == "multipart/report"
    assert "5.7." in report and "Gesundheitsdaten" in report, report
    assert len(h.internet.messages) == 1

    # a sender who belongs to no department that this listener speaks for
    send(port, "fremd@stadt.example", CITIZEN, "fremd")
    until("Postfix to be refused", lambda: len(h.leaves("msg.reject")) == 2)
    assert "gehoert nicht" in h.mailboxes.wait(2)[1]["data"].decode()
    assert len(h.internet.messages) == 1


def behind(h):
    before = len(h.internet.messages)
    boxes = len(h.mailboxes.messages)
    h.submit([CITIZEN], sender="bauamt@stadt.example", role="relay", subject="weiter", text="Text von weiter")
    arrived = h.internet.wait(before + 1)[before]
    assert b"Text von weiter" in arrived["data"] and b"mailout.stadt.example (Postfix)" in arrived["data"]
    (ok,) = [line for line in h.events if '"message.delivery"' in line and '"delivered"' in line]
    assert "TLSv1.3" in ok and " verified" in ok, ok

    h.internet.answers["rcpt " + CITIZEN] = "550 5.1.1 gibt es nicht"
    h.submit([CITIZEN], sender="bauamt@stadt.example", role="relay", subject="zurueck", text="Text von zurueck")
    bounce = email.message_from_bytes(h.mailboxes.wait(boxes + 1)[boxes]["data"])
    assert h.mailboxes.messages[boxes]["to"] == ["bauamt@stadt.example"]
    assert bounce.get_content_type() == "multipart/report" and "gibt es nicht" in bounce.as_string()
    assert "MAILER-DAEMON@mailout.stadt.example" in bounce["From"], "written by Postfix, not by us"
    assert bounce["Amtsbote-Protection"], "and judged on its way in, like any mail from outside"


with House() as h:
    # --- in front ---
    h.change_config('[[listener]]\nrole = "relay"\naddress = "127.0.0.1:0"\nnetworks = ["127.0.0.0/8"]\ndepartments = ["gesundheitsamt", "bauamt"]\n',
                    PAGE.block("front: amtsbote.toml", {"10.1.2.3:25": "127.0.0.1:0", "10.1.2.5/32": "127.0.0.1/32"}))
    h.start()
    front = PAGE.block("front: main.cf", {"inet:imap.stadt.example:24": f"inet:127.0.0.1:{h.mailboxes.port}", "[gw.stadt.example]:25": f"[localhost]:{h.ports['relay']}", "/etc/postfix/stadt-ca.pem": h.pki.ca})
    with Postfix(h.dir / "front", front) as postfix:
        in_front(h, postfix.port)
    assert h.stop() == 0

    # --- behind ---
    mailout = h.pki.server("mailout.stadt.example")
    h.start()
    mx = h.ports["mx"]
    assert h.stop() == 0
    h.change_config('[[listener]]\nrole = "mx"\naddress = "127.0.0.1:0"', f'[[listener]]\nrole = "mx"\naddress = "127.0.0.1:{mx}"')
    behind_cf = PAGE.block("behind: main.cf", {"10.1.2.3/32": "127.0.0.1/32", "/etc/postfix/mailout.key": mailout[1], "/etc/postfix/mailout.pem": mailout[0],
                                               "[gw.stadt.example]:25": f"[127.0.0.1]:{mx}"})
    with Postfix(h.dir / "behind", behind_cf + f"relayhost = [127.0.0.1]:{h.internet.port}\n") as postfix:
        h.change_config(f'[[route]]\nname = "internet"\nto = ["*"]\nsmtp = "127.0.0.1:{h.internet.port}"\ntransport = "any"\n',
                        PAGE.block("behind: amtsbote.toml", {"mailout.stadt.example:25": f"localhost:{postfix.port}"}))
        h.start()
        behind(h)
    assert h.stop() == 0
    PAGE.check_all_used()
print("postfix: good")
