<<<<<<< HEAD
"""Nothing readable of a protected message on the wire or on the disk, before and after a kill: every byte is searched."""
import base64
import quopri
import re
import signal

from house import House

POLICY = """
[[rule]]
name = "verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""
MARKER = b"geheime-diagnose=k\xc3\xb6nig-4711"


def forms(marker):
    """The marker raw, as quoted-printable, and the part of it that each of the three alignments of base64 must show."""
    out = {marker, quopri.encodestring(marker).strip()}
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + marker)
        out.add(whole[4 if shift else 0:len(whole) - 4])
    return out


def search(what, data):
    flat = re.sub(rb"=?\r?\n", b"", data)  # lines may break anywhere in an encoding
    for form in forms(MARKER):
        assert form not in data and form not in flat, f"{what} holds {form!r}"


def search_disk(h):
    files = [p for p in h.dir.rglob("*") if p.is_file() and h.pki.dir not in p.parents and p.suffix != ".eml"]
    assert any(p.name == "store.sqlite" for p in files)
    for p in files:
        search(p, p.read_bytes())
    search("the log", "".join(h.events).encode())


def letter(to, filler):
    mark = MARKER.decode()
    return (f"From: amt53@stadt.example\r\nTo: {to}\r\nSubject: ={'?utf-8?b?' + base64.b64encode(MARKER).decode()}?=\r\nMIME-Version: 1.0\r\n"
            f'Content-Type: multipart/mixed; boundary="grenze"\r\n\r\n--grenze\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
            f"{mark}\r\n--grenze\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=utf-8''{mark}\r\n\r\n"
            + f"{mark} {'z' * 800}\r\n" * filler + "--grenze--\r\n").encode()


def main():
    to = "buerger@aussen.example"
    assert any(form in letter(to, 1) for form in forms(MARKER)), "the search would find nothing"
    with House(policy=POLICY, retry='first = "1s"\nmost = "10s"') as h:
        h.start()
        h.add_account()
        h.trust_authority()
        cert, keyfile = h.import_partner(to, "RSA:2048")
        h.reload()
        for filler in (1, 1300):
            h.submit([to], raw=letter(to, filler))
        for m in h.internet.wait(2):
            assert MARKER in h.decrypt(m["data"], cert, keyfile)
            # the outer subject is not encrypted by S/MIME: only what stands below the header is searched
            search("the wire", m["data"].split(b"\r\n\r\n", 1)[1])
        search_disk(h)
        h.internet.answers["data"] = "451 4.3.0 later"
        for filler in (1, 1300):
            h.submit([to], raw=letter(to, filler))
        h.stop(signal.SIGKILL)
        search_disk(h)
        h.internet.answers.clear()
        h.start()
        h.internet.wait(4)
        assert h.stop() == 0
        search_disk(h)


if __name__ == "__main__":
    main()
=======
"""Never in clear: a marker in body, subject and attachment name, searched for in every byte at rest and, where mail is protected, on the wire."""
import base64
import quopri
import signal

from house import House, run, until

BODY, SUBJECT, NAME = "Zebrastreifen4711", "Aktenzeichen8122", "Befundbogen9933"


def forms(word):
    raw = word.encode()
    out = {raw, quopri.encodestring(raw).strip()}
    for shift in range(3):  # base64 sees one of three alignments
        coded = base64.b64encode(b"x" * shift + raw + b"xx")
        out.add(coded[4:4 + (len(raw) - 3) // 3 * 4])
    return out


def search(h, words, where):
    for path in where.rglob("*"):
        if not path.is_file() or path.is_socket():
            continue
        data = path.read_bytes()
        for word in words:
            for form in forms(word):
                assert form not in data, f"{word} stands in {path} as {form!r}"


def message(to, size):
    attachment = base64.encodebytes((BODY + "\r\n").encode() * (size // 19)).replace(b"\n", b"\r\n").decode()
    return (f"From: amt53@stadt.example\r\nTo: {to}\r\nSubject: {SUBJECT}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
            f"--b\r\nContent-Type: text/plain\r\n\r\n{BODY}\r\n--b\r\nContent-Type: application/pdf; name=\"{NAME}.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            f"{attachment}\r\n--b--\r\n").encode()


with House() as h:
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    cert, key = h.import_partner("buerger@aussen.example")
    words = [BODY, SUBJECT, NAME]
    # the next hop refuses for now: everything waits at rest, small in the row, large in the spool
    h.internet.answers["data"] = "451 4.3.0 later"
    for size in (1000, 60_000, 1_000_000):
        h.submit(["buerger@aussen.example"], raw=message("buerger@aussen.example", size))
    until("three deferred attempts", lambda: h.json("status")["queue"]["due"] == 3)
    search(h, words, h.dir / "state")
    h.process.send_signal(signal.SIGKILL)
    h.process.wait()
    search(h, words, h.dir / "state")
    search(h, words + ["amt53@stadt.example", "buerger@aussen.example"], h.dir / "state" / "log")
    for event in h.events:
        assert not any(w in event for w in words), event
    h.process = None
    h.internet.answers.pop("data")
    h.start()
    for entry in h.json("queue", "list")["messages"]:
        h.cli("queue", "retry", entry["mid"])
    for arrived in h.internet.wait(3):
        for word in (BODY, NAME):  # the subject stands outside until header protection comes
            assert not any(form in arrived["data"] for form in forms(word)), word
        assert BODY.encode() in h.decrypt(arrived["data"], cert, key)
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
    assert h.stop() == 0
    assert not list((h.dir / "state" / "spool").iterdir()) and not list((h.dir / "state" / "scratch").iterdir())
print("egress: good")
>>>>>>> main
