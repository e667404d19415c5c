"""Mail from outside: opened as a whole, judged, marked with fields that nobody else can set; what cannot be opened arrives as it came."""
import email

from house import House, run


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def protection(data):
    values = email.message_from_bytes(data).get_all("Amtsbote-Protection") or []
    assert len(values) == 1, values
    return " ".join(values[0].split())


with House() as h:
    h.start()
    h.trust_authority()
    own, _ = h.import_own("amt53@stadt.example")
    sender, key = h.pki.mail("praxis@aerzte.example")
    other, other_key = h.pki.mail("jemand@anders.example")
    inner = h.dir / "inner"
    inner.write_bytes(b"Content-Type: text/plain\r\nAmtsbote-Protection: forged inside\r\n\r\nVertraulich\r\n")

    def signed(cert, keyfile):
        out = h.dir / "signed"
        run("openssl", "cms", "-sign", "-in", inner, "-binary", "-signer", cert, "-inkey", keyfile, "-out", out, "-crlfeol")
        return crlf(out.read_bytes())

    def encrypted(entity, to):
        (h.dir / "entity").write_bytes(entity)
        out = h.dir / "encrypted"
        run("openssl", "cms", "-encrypt", "-in", h.dir / "entity", "-binary", "-aes256", "-out", out, "-crlfeol", to)
        return crlf(out.read_bytes())

    def send(entity, count):
        head = b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMessage-ID: <1@aerzte.example>\r\nAuthentication-Results: gw.stadt.example; smime=pass\r\nAmtsbote-Protection: encrypted=yes; signed=valid\r\n"
        h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=head + entity)
        return h.mailboxes.wait(count)[count - 1]["data"]

    data = send(encrypted(signed(sender, key), own), 1)
    assert b"\r\n\r\nVertraulich\r\n" in data
    assert "opened=yes" in protection(data) and "signed=valid" in protection(data) and "signer=praxis@aerzte.example" in protection(data)
    results = email.message_from_bytes(data).get_all("Authentication-Results")
    assert len(results) == 1 and "smime=pass" in results[0]

    # signed by somebody else than From says
    data = send(signed(other, other_key), 2)
    assert "signed=other" in protection(data) and "encrypted=no" in protection(data)

    # a changed byte below a signature
    data = send(signed(sender, key).replace(b"Vertraulich", b"Vertraulicj"), 3)
    assert "signed=invalid" in protection(data)

    # not signed: nothing is claimed
    data = send(encrypted(inner.read_bytes(), own), 4)
    assert "opened=yes" in protection(data) and "signed=none" in protection(data) and b"Vertraulich" in data

    # encrypted to somebody else: delivered as it came, marked
    sealed = encrypted(signed(sender, key), other)
    data = send(sealed, 5)
    assert "opened=no" in protection(data) and sealed[-200:] in data

    # plain mail: the forged marks are gone, ours says so
    data = send(b"Content-Type: text/plain\r\n\r\nhallo\r\n", 6)
    assert "encrypted=no" in protection(data) and "signed=none" in protection(data)
    assert h.stop() == 0
print("inbound: good")
