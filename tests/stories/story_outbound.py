"""Never in clear: what leaves for people with keys is encrypted to exactly them, and opened by programs that are not ours."""
import smtplib

from house import House, run, until

MARKER = "Kennwort-Zebra-4711"


def recipients_of(data, h):
    source = h.dir / "look.eml"
    source.write_bytes(data)
    return run("openssl", "cms", "-cmsout", "-print", "-in", source).stdout.decode()


with House() as h:
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    people = {f"{kind.lower()}@aussen.example": h.import_partner(f"{kind.lower()}@aussen.example", kind) for kind in ("P-256", "P-384", "RSA-2048", "RSA-3072")}

    # one message, four visible recipients with keys of four kinds: each opens it, the signature holds
    h.submit(list(people), text=MARKER + " Grüße", subject="Befund")
    message = h.internet.wait(1)[0]
    assert message["tls"] and sorted(message["to"]) == sorted(people)
    assert MARKER.encode() not in message["data"] and b"Received: by gw.stadt.example" in message["data"]
    for cert, key in people.values():
        assert MARKER.encode() in h.verify(h.decrypt(message["data"], cert, key))

    # a blind recipient travels alone: neither copy tells of the other
    visible, blind = list(people)[0], list(people)[2]
    raw = f"From: amt53@stadt.example\r\nTo: {visible}\r\nBcc: {blind}\r\nSubject: [vertraulich] x\r\n\r\n{MARKER}\r\n".encode()
    h.submit([visible, blind], raw=raw)
    copies = h.internet.wait(3)[1:]
    for copy, own, other in ((c, c["to"][0], visible if c["to"][0] == blind else blind) for c in copies):
        assert copy["to"] == [own] and b"Bcc" not in copy["data"] and MARKER.encode() not in copy["data"]
        if own == visible:
            assert blind.encode() not in copy["data"]
        assert recipients_of(copy["data"], h).count("d.ktri") + recipients_of(copy["data"], h).count("d.kari") == 1
        cert, key = people[own]
        assert MARKER.encode() in h.decrypt(copy["data"], cert, key)

    # one recipient without a key: nobody gets anything, the refusal names him in two languages
    before = len(h.internet.messages)
    try:
        h.submit([visible, "ohne@aussen.example"], text=MARKER)
        raise SystemExit("a message for somebody without key was taken")
    except smtplib.SMTPDataError as e:
        text = e.smtp_error.decode()
        assert e.smtp_code == 550 and "ohne@aussen.example" in text and "Schluessel" in text and "usable key" in text, text
    assert len(h.internet.messages) == before

    # the other department may write in clear, and its mail is signed bytes or nothing: it passes unchanged
    h.submit(["irgendwer@aussen.example"], sender="bauamt@stadt.example", role="relay", text="offen", subject="Bau")
    clear = h.internet.wait(before + 1)[-1]
    assert b"\r\n\r\noffen\r\n" in clear["data"]
    assert h.stop() == 0
print("outbound: good")
