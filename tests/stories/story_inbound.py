"""Mail from outside: opened as a whole, judged, marked with fields that nobody else can set; what cannot be opened arrives as it came."""
import email

from house import House, run, until


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def protection(data):
    values = email.message_from_bytes(data).get_all("Amtsbote-Protection") or []
    assert len(values) == 1, values
    return " ".join(values[0].split())


def head_of_praxis():
    return (b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMessage-ID: <1@aerzte.example>\r\n"
            b"Authentication-Results: gw.stadt.example; smime=pass\r\nAmtsbote-Protection: encrypted=yes; signed=valid\r\n")


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
        head = head_of_praxis()
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
    # a key of ours that cannot be read: it might be the one, so the mail waits instead of arriving unopened for ever
    assert h.stop() == 0
    (keyfile,) = (h.dir / "state" / "keys").glob("*.key")
    for spoil in (lambda: keyfile.write_bytes(b"damaged"), keyfile.unlink):
        sealed_key, mode = keyfile.read_bytes(), keyfile.stat().st_mode
        spoil()
        h.start()
        deferred = len(h.leaves("mbox.defer")) + len(h.leaves("relay.defer"))
        count = len(h.mailboxes.messages)
        raw = head_of_praxis() + encrypted(inner.read_bytes(), own)
        h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=raw)
        until("the message to be put off", lambda: len(h.leaves("mbox.defer")) + len(h.leaves("relay.defer")) > deferred)
        assert len(h.mailboxes.messages) == count
        # what another key would not open either is no reason to wait
        h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=head_of_praxis() + b"Content-Type: text/plain\r\n\r\nhallo\r\n")
        h.mailboxes.wait(count + 1)
        assert h.stop() == 0
        keyfile.write_bytes(sealed_key)
        keyfile.chmod(mode)
        h.start()
        (waiting,) = h.json("queue", "list")["messages"]
        h.cli("queue", "retry", waiting["mid"])
        data = h.mailboxes.wait(count + 2)[count + 1]["data"]
        assert "opened=yes" in protection(data) and b"Vertraulich" in data
        assert h.stop() == 0
print("inbound: good")
