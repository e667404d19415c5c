"""OpenPGP both ways, with gpg at the other end: PGP/MIME out is opened and its signature accepted; PGP/MIME in is opened, judged and marked."""
import email
import os

from house import House, run

MARKER = "Kennwort-Zebra-4712"

with House() as h:
    h.start()
    h.add_account()
    h.cli("keys", "generate", "amt53@stadt.example", "--name", "Gesundheitsamt")
    ours = next(k for k in h.json("keys", "list")["keys"] if k["role"] == "own")
    home = h.dir / "firma"
    home.mkdir(mode=0o700)
    env = dict(os.environ, GNUPGHOME=str(home))

    def gpg(*args, **kw):
        return run("gpg", "--batch", "--quiet", "--trust-model", "always", "--pinentry-mode", "loopback", "--passphrase", "", *args, env=env, **kw)

    for name in ("info@firma.example", "andere@firma.example"):
        gpg("--quick-generate-key", name, "future-default", "default", "never")
    gpg("--import", input=h.cli("keys", "export", ours["fingerprint"]).stdout)
    (h.dir / "firma.asc").write_bytes(gpg("--armor", "--export", "info@firma.example").stdout)
    h.cli("keys", "import", h.dir / "firma.asc", "--partner")

    h.submit(["info@firma.example"], text=MARKER + " Grüße")
    message = email.message_from_bytes(h.internet.wait(1)[0]["data"])
    assert message.get_content_type() == "multipart/encrypted" and message.get_param("protocol") == "application/pgp-encrypted"
    assert MARKER.encode() not in h.internet.messages[0]["data"]
    opened = gpg("--status-fd", "2", "--decrypt", input=message.get_payload()[1].get_payload().encode())
    assert MARKER.encode() in opened.stdout and b"GOODSIG" in opened.stderr and b"DECRYPTION_OKAY" in opened.stderr

    def send(plain, count, *how):
        block = gpg("--armor", *how, input=plain).stdout.replace(b"\n", b"\r\n")
        raw = (b"From: info@firma.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMIME-Version: 1.0\r\nAmtsbote-Protection: signed=valid\r\n"
               b"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
               b"Version: 1\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\n\r\n" + block + b"\r\n--b--\r\n")
        h.submit(["amt53@stadt.example"], sender="info@firma.example", role="mx", raw=raw)
        data = h.mailboxes.wait(count)[count - 1]["data"]
        marks = email.message_from_bytes(data).get_all("Amtsbote-Protection")
        assert len(marks) == 1
        return data, " ".join(marks[0].split())

    inner = b"Content-Type: text/plain\r\n\r\nVertraulich\r\n"
    to_us = ("--encrypt", "--recipient", ours["fingerprint"])
    data, mark = send(inner, 1, *to_us, "--sign", "--local-user", "info@firma.example")
    assert b"\r\n\r\nVertraulich" in data and "opened=yes" in mark and "signed=valid" in mark, mark
    data, mark = send(inner, 2, *to_us)
    assert b"Vertraulich" in data and "signed=none" in mark, mark
    # signed by a key that was never imported: no claim
    data, mark = send(inner, 3, *to_us, "--sign", "--local-user", "andere@firma.example")
    assert "signed=valid" not in mark, mark
    # for somebody else
    data, mark = send(inner, 4, "--encrypt", "--recipient", "andere@firma.example")
    assert "opened=no" in mark and b"Vertraulich" not in data, mark
    assert h.stop() == 0
print("openpgp: good")
