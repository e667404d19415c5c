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
