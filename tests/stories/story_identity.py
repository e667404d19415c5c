"""Which own key signs for an address, and which opens its mail: what [[identity]] says is all; without it, what was imported for the address."""
import email
import smtplib

from house import House, run, until

POLICY = """
[[rule]]
name = "signiert"
when = { direction = "outbound" }
then = { sign = "smime", otherwise = "clear", transport = "any" }
"""


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def fingerprint(h, cert):
    text = run("openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256").stdout.decode()
    return text.split("=")[1].strip().replace(":", "")


def own(h, name, address):
    cert, keyfile = h.pki.issue(name, f"subjectAltName=email:{address}\nkeyUsage=critical,digitalSignature,keyAgreement\nextendedKeyUsage=emailProtection\n")
    both = h.dir / (name + ".both.pem")
    both.write_bytes(cert.read_bytes() + keyfile.read_bytes())
    h.cli("keys", "import", both, "--own")
    return cert, fingerprint(h, cert)


def identity(h, *blocks):
    h.extra = "".join(f"[[identity]]\naddresses = {addresses}\nsmime = {keys}\n" for addresses, keys in blocks).replace("'", '"')
    h.write_config()
    h.cli("reload")


with House(policy=POLICY) as h:
    h.start()
    h.trust_authority()
    old, old_name = own(h, "alt", "amt53@stadt.example")
    new, new_name = own(h, "neu", "amt53@stadt.example")
    shared, shared_name = own(h, "behoerde", "poststelle@stadt.example")

    def signer(count):
        h.submit(["buerger@aussen.example"], sender="amt53@stadt.example", role="relay")
        out = h.dir / "signer.pem"
        (h.dir / "signed").write_bytes(h.internet.wait(count)[count - 1]["data"])
        run("openssl", "cms", "-verify", "-in", h.dir / "signed", "-CAfile", h.pki.ca, "-purpose", "smimesign", "-signer", out)
        return fingerprint(h, out)

    def arrives(cert, to, count):
        """Encrypted to one certificate, addressed to somebody; gives what the mailbox reads and the mark of the gateway."""
        (h.dir / "entity").write_bytes(b"Content-Type: text/plain\r\n\r\nVertraulich\r\n")
        run("openssl", "cms", "-encrypt", "-in", h.dir / "entity", "-binary", "-aes256", "-out", h.dir / "encrypted", "-crlfeol", cert)
        head = f"From: x@aerzte.example\r\nTo: {', '.join(to)}\r\nSubject: Antwort\r\nMessage-ID: <{count}@aerzte.example>\r\n".encode()
        h.submit(to, sender="x@aerzte.example", role="mx", raw=head + crlf((h.dir / "encrypted").read_bytes()))
        out = {}
        for m in h.mailboxes.wait(count + len(to) - 1)[count - 1:]:
            out[m["to"][0]] = "opened=yes" in email.message_from_bytes(m["data"])["Amtsbote-Protection"]
            assert (b"Vertraulich" in m["data"]) == out[m["to"][0]]
        return out

    # without identities: what was imported for the address, the newest signs
    assert signer(1) in (old_name, new_name)
    assert arrives(old, ["amt53@stadt.example"], 1) == {"amt53@stadt.example": True}
    assert arrives(shared, ["amt53@stadt.example"], 2) == {"amt53@stadt.example": False}

    # the first key listed signs, whichever is newer; the second only opens
    for first, second in ((old_name, new_name), (new_name, old_name)):
        identity(h, (["amt53@stadt.example"], [first[:16], second.lower()]))
        assert signer(len(h.internet.messages) + 1) == first
    assert arrives(old, ["amt53@stadt.example"], 3) == {"amt53@stadt.example": True}

    # a key that is not listed opens nothing any more, although it was imported for the address
    identity(h, (["amt53@stadt.example"], [new_name, shared_name]))
    assert arrives(old, ["amt53@stadt.example"], 4) == {"amt53@stadt.example": False}
    # a key of the whole authority opens for those that list it, in the same message for nobody else
    assert arrives(shared, ["amt53@stadt.example", "bauamt@stadt.example"], 5) == {"amt53@stadt.example": True, "bauamt@stadt.example": False}
    told = h.json("keys", "explain", "amt53@stadt.example")["own"]
    assert told["by"] == "identity" and told["signs"] == [new_name] and sorted(told["opens"]) == sorted([new_name, shared_name]), told

    # a key that names somebody else signs for nobody, and neither does one that is not there: refused, never unsigned
    for listed, why in (([shared_name], "address_mismatch"), (["0" * 64], "")):
        identity(h, (["amt53@stadt.example"], listed))
        before = len(h.internet.messages)
        try:
            h.submit(["buerger@aussen.example"], sender="amt53@stadt.example", role="relay")
        except smtplib.SMTPResponseException as e:
            assert e.smtp_code == 550, e
        else:
            until("it is held", lambda: h.json("status")["queue"]["held"] > 0)
        assert len(h.internet.messages) == before
        assert why in str(h.json("keys", "explain", "amt53@stadt.example")["own"]["troubles"])
    assert "no key of ours" in h.cli("check", check=False).stdout.decode()
    assert h.stop() == 0
print("identity: good")
