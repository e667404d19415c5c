"""A person lets quarantined mail go: from outside it is opened, judged and delivered with a mark; outwards the other rules still hold."""
import email

from house import House, run, until

POLICY = """
[[rule]]
name = "Programme warten"
when = { attachment = { extension = "exe" } }
then = { quarantine = true }

[[rule]]
name = "fremde Signatur"
when = { direction = "inbound", signature = ["other", "invalid"] }
then = { quarantine = true, mark = { subject = "[geprueft]" } }

[[rule]]
name = "nur verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""

PROGRAM = ("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nGeheim4711\r\n"
           "--b\r\nContent-Type: application/octet-stream; name=x.exe\r\nContent-Disposition: attachment; filename=x.exe\r\n\r\nMZ\r\n--b--\r\n")


def crlf(data):
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


with House(policy=POLICY) as h:
    h.start()
    h.trust_authority()
    own, _ = h.import_own("amt53@stadt.example")
    other, other_key = h.pki.mail("jemand@anders.example")

    def held(mid):
        return until("held", lambda: [r for r in h.json("queue", "show", mid)["recipients"] if r["state"] == "held"])[0]

    def release(mid):
        return h.json("queue", "release", mid, "--reason", "angesehen")

    # from outside, encrypted, signed by somebody else than From says: only after opening anybody knows
    (h.dir / "inner").write_bytes(b"Content-Type: text/plain\r\n\r\nVertraulich\r\n")
    run("openssl", "cms", "-sign", "-in", h.dir / "inner", "-binary", "-signer", other, "-inkey", other_key, "-out", h.dir / "signed", "-crlfeol")
    (h.dir / "signed").write_bytes(crlf((h.dir / "signed").read_bytes()))
    run("openssl", "cms", "-encrypt", "-in", h.dir / "signed", "-binary", "-aes256", "-out", h.dir / "encrypted", "-crlfeol", own)
    head = b"From: praxis@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Antwort\r\nMessage-ID: <1@aerzte.example>\r\n"
    mid = h.submit(["amt53@stadt.example"], sender="praxis@aerzte.example", role="mx", raw=head + crlf((h.dir / "encrypted").read_bytes())).split()[2]
    assert held(mid)["reason"] == "quarantined"
    assert release(mid)["released"] == 1
    data = h.mailboxes.wait(1)[0]["data"]
    m = email.message_from_bytes(data)
    mark = " ".join(m["Amtsbote-Protection"].split())
    assert "signed=other" in mark and "opened=yes" in mark and "quarantine=released" in mark, mark
    assert m["Subject"] == "[geprueft] Antwort" and b"Vertraulich" in data
    until("the message is closed", lambda: h.leaves("msg.closed"))
    # the log: the verdict, who released it, and the decision after opening
    names = [leaf["ev"] for leaf in h.leaves()]
    assert names.count("msg.release") == 1 and names.index("msg.hold") < names.index("msg.release") < names.index("mbox.ok")
    assert names[names.index("msg.release"):].count("msg.decide") >= 1

    # from outside, quarantined before opening
    mid = h.submit(["amt53@stadt.example"], sender="x@aerzte.example", role="mx",
                   raw=("From: x@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Programm\r\n" + PROGRAM).encode()).split()[2]
    assert held(mid)["reason"] == "quarantined"
    assert len(h.mailboxes.messages) == 1
    assert release(mid)["released"] == 1
    data = h.mailboxes.wait(2)[1]["data"]
    assert b"quarantine=released" in data and b"Geheim4711" in data

    # held once more by a person, the old release is over
    h.mailboxes.answers["data"] = "451 4.3.0 later"
    mid = h.submit(["amt53@stadt.example"], sender="x@aerzte.example", role="mx",
                   raw=("From: x@aerzte.example\r\nTo: amt53@stadt.example\r\nSubject: Programm\r\n" + PROGRAM).encode()).split()[2]
    held(mid)
    assert release(mid)["released"] == 1
    until("an attempt", lambda: h.json("queue", "show", mid)["recipients"][0]["attempts"] == 1)
    h.cli("queue", "hold", mid, "--reason", "doch nicht")
    h.mailboxes.answers.pop("data")
    assert h.json("queue", "retry", mid)["ok"] is False
    h.cli("queue", "cancel", mid, "--reason", "weg")

    # outwards the release lifts the quarantine and nothing else: without a key it stays, with one it leaves encrypted
    mid = h.submit(["buerger@aussen.example"], sender="amt53@stadt.example", role="relay",
                   raw=("From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: Programm\r\n" + PROGRAM).encode()).split()[2]
    assert held(mid)["reason"] == "quarantined"
    answer = release(mid)
    assert answer["released"] == 0 and answer["kept"] == 1 and answer["recipients"][0]["decision"]["reason"] == "no_key", answer
    assert not h.internet.messages
    cert, key = h.import_partner("buerger@aussen.example")
    assert release(mid)["released"] == 1
    data = h.internet.wait(1)[0]["data"]
    assert b"Geheim4711" not in data and b"Geheim4711" in h.decrypt(data, cert, key)
    assert h.stop() == 0
print("quarantine: good")
