"""Beside Dovecot, with the configurations of docs/beside/dovecot.md: mail comes in encrypted, is delivered by LMTP over a Unix socket and over
verified TLS, and a department reads it over IMAP: opened, with the marks of the gateway and of nobody else."""
import email
import imaplib
import pwd
import ssl

from house import House, run, until
from neighbours import Dovecot, Page, free_port, needs

needs("dovecot", "doveconf")
PAGE = Page("dovecot.md")
DEPARTMENT, PASSWORD = "amt53@stadt.example", "lesen"


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def encrypted_letter(h, own, text):
    """Signed and encrypted by openssl, as a doctor's practice would send it, with forged marks on the outside."""
    sender, key = h.pki.mail("praxis@aerzte.example")
    plain, signed, out = h.dir / "plain", h.dir / "signed", h.dir / "sealed"
    plain.write_bytes(b"Content-Type: text/plain\r\n\r\n" + text + b"\r\n")
    run("openssl", "cms", "-sign", "-in", plain, "-binary", "-signer", sender, "-inkey", key, "-out", signed, "-crlfeol")
    signed.write_bytes(crlf(signed.read_bytes()))
    run("openssl", "cms", "-encrypt", "-in", signed, "-binary", "-aes256", "-out", out, "-crlfeol", own)
    head = (b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Befund\r\nMessage-ID: <1@aerzte.example>\r\n"
            b"Amtsbote-Protection: encrypted=yes; signed=valid; forged=yes\r\n")
    return head + crlf(out.read_bytes())


class Mailbox:
    """Reads over IMAP with STARTTLS, as a mail client does."""

    def __init__(self, h, port):
        self.imap = imaplib.IMAP4("127.0.0.1", port)
        context = ssl.create_default_context(cafile=str(h.pki.ca))
        context.check_hostname = False
        self.imap.starttls(context)
        self.imap.login(DEPARTMENT, PASSWORD)

    def messages(self):
        self.imap.select("INBOX", readonly=True)
        numbers = self.imap.search(None, "ALL")[1][0].split()
        return [self.imap.fetch(n, "(RFC822)")[1][0][1] for n in numbers]

    def wait(self, count):
        return until(f"{count} messages in the mailbox", lambda: self.messages() if len(self.messages()) >= count else None)


def check_opened(data, text):
    message = email.message_from_bytes(data)
    (mark,) = message.get_all("Amtsbote-Protection")
    mark = " ".join(mark.split())
    for word in ("encrypted=yes", "opened=yes", "signed=valid", "signer=praxis@aerzte.example"):
        assert word in mark, mark
    assert "forged" not in mark
    (results,) = message.get_all("Authentication-Results")
    assert "smime=pass" in results
    assert text in data and b"Return-Path: <praxis@aerzte.example>" in data


with House() as h:
    own, _ = h.import_own(DEPARTMENT)
    h.trust_authority()
    owner = pwd.getpwnam("mail")
    vmail = h.dir / "vmail"
    vmail.mkdir()
    run("chown", "mail:mail", vmail)
    users = h.dir / "users"
    users.write_text(f"{DEPARTMENT}:{{PLAIN}}{PASSWORD}\n")
    users.chmod(0o644)
    cert, key = h.pki.server("imap.stadt.example")
    imap_port, lmtp_port, socket = free_port(), free_port(), h.dir / "dovecot" / "amtsbote-lmtp"
    conf = PAGE.block("dovecot.conf", {"/var/vmail": vmail, "uid=vmail gid=vmail": f"uid={owner.pw_uid} gid={owner.pw_gid}", "/etc/dovecot/users": users,
                                       "/etc/dovecot/imap.pem": cert, "/etc/dovecot/imap.key": key, "/run/dovecot/amtsbote-lmtp": socket,
                                       "user = amtsbote": "user = root", "address = 10.1.2.6": "address = 127.0.0.1", "port = 24": f"port = {lmtp_port}"})
    frame = f"first_valid_uid = 1\nservice imap-login {{\n  inet_listener imap {{\n    address = 127.0.0.1\n    port = {imap_port}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n"
    old_route = f'[[route]]\nname = "mailserver"\nto = ["stadt.example"]\nlmtp = "127.0.0.1:{h.mailboxes.port}"\n'
    by_socket = PAGE.block("socket: amtsbote.toml", {"/run/dovecot/amtsbote-lmtp": socket})
    by_network = PAGE.block("network: amtsbote.toml", {"imap.stadt.example:24": f"localhost:{lmtp_port}"})
    h.change_config(old_route, by_socket)
    with Dovecot(h.dir / "dovecot", conf + frame, imap_port):
        mailbox = Mailbox(h, imap_port)
        h.start()
        h.submit([DEPARTMENT], sender="praxis@aerzte.example", role="mx", raw=encrypted_letter(h, own, b"Vertraulich ueber den Socket"))
        check_opened(mailbox.wait(1)[0], b"Vertraulich ueber den Socket")
        assert h.stop() == 0

        h.change_config(by_socket, by_network)
        h.start()
        h.submit([DEPARTMENT], sender="praxis@aerzte.example", role="mx", raw=encrypted_letter(h, own, b"Vertraulich ueber das Netz"))
        check_opened(mailbox.wait(2)[1], b"Vertraulich ueber das Netz")
        (delivered,) = until("the outcome in the log", lambda: [e for e in h.events if '"message.delivery"' in e and '"delivered"' in e])
        assert "TLSv1.3" in delivered and " verified" in delivered, delivered
        assert h.stop() == 0
    assert h.mailboxes.messages == []

    # while Dovecot is away, mail waits; the socket that nobody listens on is a reason to try again, not to fail
    h.change_config(by_network, by_socket)
    h.start()
    h.submit([DEPARTMENT], sender="praxis@aerzte.example", role="mx", raw=encrypted_letter(h, own, b"Vertraulich und spaeter"))
    until("the attempt to be put off", lambda: h.json("queue", "list")["messages"] and h.leaves("mbox.defer") + h.leaves("relay.defer"))
    with Dovecot(h.dir / "dovecot", conf + frame, imap_port):
        (waiting,) = h.json("queue", "list")["messages"]
        h.cli("queue", "retry", waiting["mid"])
        check_opened(Mailbox(h, imap_port).wait(3)[2], b"Vertraulich und spaeter")
    assert h.stop() == 0
    PAGE.check_all_used()
print("dovecot: good")
