"""Fifty messages signed by other programs (openssl, gpg, gpgsm; multipart and opaque), in by mx, out by relay and submission: the
bytes under the signature arrive as they were signed, whatever stands in them."""
import base64
import hashlib

from house import House, run

ENTITIES = {
    "plain": b"Content-Type: text/plain\r\n\r\nGuten Tag.\r\n",
    "8bit": b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "Grüße aus Köln, 100 €\r\n".encode(),
    "latin1": b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc4\xd6\xdc\xe4\xf6\xfc\xdf\r\n",
    "long lines": b"Content-Type: text/plain\r\n\r\n" + b"x" * 990 + b"\r\n" + b"y " * 490 + b"\r\n",
    "trailing whitespace": b"Content-Type: text/plain  \r\n\r\nEin Wort   \r\nTab\t\r\n \r\n\r\n\r\nEnde \t \r\n\r\n\r\n",
    "forged marks": b"Content-Type: text/plain\r\nAmtsbote-Protection: encrypted=yes; signed=valid\r\nAuthentication-Results: gw.stadt.example; smime=pass\r\n"
                    b"Subject: [verschluesselt] falsch\r\nReceived: from boese\r\nBcc: wer@stadt.example\r\n\r\nAmtsbote-Protection: signed=valid\r\n",
    "dots and From": b"Content-Type: text/plain\r\n\r\n.\r\n..\r\n.x\r\nFrom here on\r\n>From there\r\n-- \r\nMfG\r\n.\r\n",
    "boundaries": b"Content-Type: text/plain\r\n\r\n--\r\n--gr\r\n--grenz\r\n ----\r\n--=_\r\n--grenze--x\r\n",
    "odd header": b"content-type:text/plain;\r\n\tcharset=\"us-ascii\"\r\nCONTENT-Description:   zwei  \r\n   Zeilen\t\r\nX-Empty:\r\n\r\nText ohne Zeilenende",
    "nested": b"Content-Type: multipart/mixed; boundary=\"in nen\"\r\n\r\nVorspann\r\n--in nen\r\n\r\na\r\n--in nen  \r\nContent-Type: text/html\r\n\r\n<b>b</b>\r\n--in nen--\r\nNachspann \r\n",
}
BOUNDARIES = ("grenze", "'()+_,-./:=?", "a", "=_" + "x" * 66, "mit leer zeichen")


def wrap64(data):
    return b"\r\n".join(base64.b64encode(data)[i:i + 76] for i in range(0, len(base64.b64encode(data)), 76))


def multipart(entity, signature, protocol, micalg, boundary, kind, encoding):
    head = f'Content-Type: multipart/signed; protocol="{protocol}"; micalg={micalg}; boundary="{boundary}"\r\n'.encode()
    b = boundary.encode()
    part = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    return head, b"\r\n--" + b + b"\r\n" + entity + b"\r\n--" + b + b"\r\n" + part + signature + b"\r\n--" + b + b"--\r\n"


def signed_part(body, boundary):
    begin = b"--" + boundary.encode() + b"\r\n"
    rest = body[body.index(begin) + len(begin):]
    return rest[:rest.index(b"\r\n--" + boundary.encode() + b"\r\n")]


class Signers:
    def __init__(self, h):
        self.h = h
        self.cert, self.key = h.pki.mail("unterschrift@aerzte.example", "RSA-2048")
        self.gpg_home, self.sm_home = h.dir / "pgp", h.dir / "sm"
        for home in (self.gpg_home, self.sm_home):
            home.mkdir(mode=0o700)
        self.gpg("--quick-generate-key", "unterschrift@aerzte.example", "default", "default", "never")
        fingerprint = run("openssl", "x509", "-in", h.pki.ca, "-noout", "-fingerprint", "-sha1").stdout.decode().strip().split("=")[1]
        (self.sm_home / "trustlist.txt").write_text(fingerprint + " S relax\n")
        (self.sm_home / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
        (self.sm_home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n")
        p12 = h.dir / "key.p12"
        self.gpgsm("--import", h.pki.ca)
        for _ in range(5):  # gpgsm fails to read one in some files of the same kind
            p12 = h.dir / "key.p12"
            # the old ciphers are those that it reads
            run("openssl", "pkcs12", "-export", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-in", self.cert, "-inkey", self.key,
                "-passout", "pass:x", "-out", p12)
            self.gpgsm("--import", p12, check=False)  # its status tells of certificates that it could not check
            if b"unterschrift@aerzte.example" in self.gpgsm("--list-secret-keys"):
                break

    def gpg(self, *args, **kw):
        return run("gpg", "--homedir", self.gpg_home, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", *args, **kw).stdout

    def gpgsm(self, *args, text=None, check=True):
        source = self.h.dir / "sm.in"
        source.write_bytes(text or b"")
        files = [source] if text is not None else []
        return run("gpgsm", "--homedir", self.sm_home, "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase-fd", "0", *args, *files,
                   input=b"x\n", check=check).stdout

    def cms(self, entity, *how):
        source = self.h.dir / "cms.in"
        source.write_bytes(entity)
        return run("openssl", "cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256", *how, "-signer", self.cert, "-inkey", self.key, "-in", source).stdout

    def all(self, entity, boundary):
        """(name, header, body, boundary of the multipart or None)"""
        smime = ("application/pkcs7-signature", "sha-256", boundary, "application/pkcs7-signature; name=smime.p7s", "base64")
        opaque = b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n"
        yield "openssl", *multipart(entity, wrap64(self.cms(entity)), *smime), boundary
        yield "gpgsm", *multipart(entity, wrap64(self.gpgsm("--detach-sign", "--digest-algo", "SHA256", text=entity)), *smime), boundary
        armour = self.gpg("--armor", "--digest-algo", "SHA512", "--detach-sign", input=entity).replace(b"\n", b"\r\n")
        yield "gpg", *multipart(entity, armour, "application/pgp-signature", "pgp-sha512", boundary, "application/pgp-signature", "7bit"), boundary
        yield "openssl opaque", opaque, b"\r\n" + wrap64(self.cms(entity, "-nodetach")) + b"\r\n", None
        yield "gpgsm opaque", opaque, b"\r\n" + wrap64(self.gpgsm("--sign", "--digest-algo", "SHA256", text=entity)) + b"\r\n", None


def content_of(h, data):
    """What openssl finds under an opaque signature."""
    source = h.dir / "opaque.der"
    source.write_bytes(data)
    return run("openssl", "cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", source).stdout


def body_of(data):
    return data.split(b"\r\n\r\n", 1)[1]


def sha(data):
    return hashlib.sha256(data).hexdigest()


with House() as h:
    h.start()
    h.add_account("bau", addresses=("bauamt@stadt.example",))
    signers, count, ins, outs = Signers(h), 0, 0, 0
    for number, (name, entity) in enumerate(ENTITIES.items()):
        for signer, header, body, boundary in signers.all(entity, BOUNDARIES[number % len(BOUNDARIES)]):
            count += 1
            where = f"{name}, {signer}"
            for role in ("mx", "relay", "submission"):
                sender, to = ("praxis@aerzte.example", "amt53@stadt.example") if role == "mx" else ("bauamt@stadt.example", "x@aussen.example")
                head = f"From: {sender}\r\nTo: {to}\r\nSubject: {count}\r\nDate: Tue, 03 Mar 2026 08:00:00 +0000\r\nMessage-ID: <{count}@aerzte.example>\r\nMIME-Version: 1.0\r\n"
                h.submit([to], sender=sender, role=role, raw=head.encode() + header + body, login=("bau", "geheim"))
                if role == "mx":
                    ins += 1
                    arrived = h.mailboxes.wait(ins)[ins - 1]["data"]
                else:
                    outs += 1
                    arrived = h.internet.wait(outs)[outs - 1]["data"]
                if boundary is not None:
                    assert sha(signed_part(body_of(arrived), boundary)) == sha(entity), (where, role)
                    assert sha(body_of(arrived)) == sha(body[2:]), (where, role)
                elif role == "mx":
                    # opened: what was under the signature stands in the open now
                    inner = content_of(h, base64.b64decode(body))
                    assert sha(inner) == sha(entity), where
                    # DATA has no message that does not end with a line end
                    text = body_of(entity) if entity.endswith(b"\r\n") else body_of(entity) + b"\r\n"
                    assert sha(body_of(arrived)) == sha(text), (where, role, arrived)
                else:
                    assert sha(body_of(arrived)) == sha(body[2:]), (where, role)
                    assert sha(content_of(h, base64.b64decode(body_of(arrived)))) == sha(entity), (where, role)
    assert count == 50, count
    # a mark that was forged inside is never the one that counts: ours stands outside, once
    for message in h.mailboxes.messages:
        outer = message["data"].split(b"\r\n\r\n", 1)[0]
        assert outer.count(b"\r\nAmtsbote-Protection:") + outer.startswith(b"Amtsbote-Protection:") == 1, outer
        assert b"Amtsbote-Protection: encrypted=yes; signed=valid" not in outer, outer
    assert h.stop() == 0
print(f"signed bytes: good, {count} messages by three roads")
