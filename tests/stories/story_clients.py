"""Ordinary mail clients submit: swaks, curl and Python's smtplib, each over TLS with a password."""
from house import House, run


def main():
    with House() as h:
        h.start()
        h.add_account()
        port = h.ports["submission"]
        run("swaks", "--server", "127.0.0.1", "--port", port, "--tls", "--tls-ca-path", h.pki.ca, "--auth", "PLAIN", "--auth-user", "amt53",
            "--auth-password", "geheim", "--from", "amt53@stadt.example", "--to", "kollegin@stadt.example", "--header", "Subject: swaks", "--body", "von swaks")
        letter = h.dir / "letter.eml"
        letter.write_bytes(b"From: amt53@stadt.example\r\nTo: kollegin@stadt.example\r\nSubject: curl\r\n\r\nvon curl\r\n")
        run("curl", "-sS", "--fail", "--ssl-reqd", "--cacert", h.pki.ca, f"smtp://localhost:{port}", "--user", "amt53:geheim", "--mail-from",
            "amt53@stadt.example", "--mail-rcpt", "kollegin@stadt.example", "--upload-file", letter)
        reply = h.submit(["kollegin@stadt.example"], subject="smtplib", text="von smtplib")
        assert "receipt=" in reply, reply
        bodies = [m["data"] for m in h.mailboxes.wait(3)]
        for client in (b"swaks", b"curl", b"smtplib"):
            assert sum(b"von " + client in b for b in bodies) == 1, client


if __name__ == "__main__":
    main()
