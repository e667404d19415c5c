"""Ordinary mail clients submit, each by the words of docs/beside/clients.md: swaks, curl, msmtp, mutt with an attachment and Python's smtplib, over
STARTTLS with a password; and each tells its user when the gateway refuses."""
import email
import os
import shutil
import sys

from house import House, run
from neighbours import Page

PAGE = Page("clients.md")
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40
CLIENTS = {"swaks": "swaks", "curl": "curl", "msmtp": "msmtp", "mutt": "mutt", "python": "smtplib"}  # block: the word in its message
LETTER = "From: amt53@stadt.example\r\nTo: {to}\r\nSubject: von {name}\r\n\r\nText von {name}\r\n"


def values(h, text):
    """The story's values for those of the page's that occur."""
    port = h.ports["submission"]
    table = {"smtp://gw.stadt.example:587": f"smtp://localhost:{port}", "gw.stadt.example:587": f"localhost:{port}", '"gw.stadt.example", 587': f'"localhost", {port}',
             "@gw.stadt.example:587": f"@localhost:{port}", "host gw.stadt.example": "host localhost", "port 587": f"port {port}",
             "/etc/ssl/certs/stadt-ca.pem": h.pki.ca}
    found = {}
    for old, new in table.items():
        if old in text:
            text, found[old] = text.replace(old, str(new)), new
    assert "stadt.example:587" not in text and "/etc/ssl" not in text, text
    return found


def block(h, name):
    return PAGE.block(name, values(h, PAGE.blocks[name]))


def start(h, name, to=None):
    """Runs one client as the page says; with `to`, to that recipient."""
    word = CLIENTS[name]
    files = {"letter.eml": LETTER.format(to=to or "kollegin@stadt.example", name=word).replace("\r\n", "\n").encode(), "bescheid.pdf": PDF}
    for rc in ("msmtprc", "muttrc"):
        files[rc] = block(h, rc).encode()
    for file, content in files.items():
        (h.dir / file).write_bytes(content)
        (h.dir / file).chmod(0o600)
    text = block(h, name)
    if to:
        text = text.replace("kollegin@stadt.example", to)
    if name == "curl":  # it sends the file's lines as they are
        (h.dir / "letter.eml").write_bytes(files["letter.eml"].replace(b"\n", b"\r\n"))
    command = [sys.executable, "-c", text] if name == "python" else ["sh", "-c", text]
    return run(*command, cwd=h.dir, check=False, env={**os.environ, "HOME": str(h.dir), "TERM": "dumb"})


def main():
    missing = [c for c in ("swaks", "curl", "msmtp", "mutt") if not shutil.which(c)]
    if missing:
        print("not installed: " + ", ".join(missing))
        sys.exit(77)
    with House() as h:
        h.start()
        h.add_account()
        for number, (name, word) in enumerate(CLIENTS.items()):
            done = start(h, name)
            assert done.returncode == 0, (name, done.stdout, done.stderr)
            (delivered,) = h.mailboxes.wait(number + 1)[number:]
            letter = email.message_from_bytes(delivered["data"])
            assert letter["Subject"] == "von " + word and delivered["from"] == "amt53@stadt.example", name
            texts = [part.get_payload(decode=True) for part in letter.walk() if part.get_content_type() == "text/plain"]
            assert ("Text von " + word).encode() in texts[0], name
            assert "with ESMTPSA" in letter["Received"], "each spoke TLS and had a password"
            if name == "mutt":
                (attached,) = [part for part in letter.walk() if part.get_filename()]
                assert attached.get_filename() == "bescheid.pdf" and attached.get_payload(decode=True) == PDF
        # a recipient whom no key is known for: each client fails, and shows the reason
        for name in CLIENTS:
            refused = start(h, name, to="buerger@aussen.example")
            told = (refused.stdout + refused.stderr).decode(errors="replace")
            assert refused.returncode != 0, (name, told)
            if name != "curl":  # which shows the code alone
                assert "5.7.1" in told or "Gesundheitsdaten" in told, (name, told)
        assert len(h.mailboxes.messages) == len(CLIENTS) and h.internet.messages == []
        reply = h.submit(["kollegin@stadt.example"], subject="Quittung", text="mit Quittung")
        assert "receipt=" in reply, reply
        assert h.stop() == 0
    PAGE.check_all_used()
    print("clients: good")


if __name__ == "__main__":
    main()
