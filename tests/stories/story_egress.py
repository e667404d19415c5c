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


def main():
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
            h.cli("queue", "retry", entry["mid"], check=False)  # its own time may have come first
        for arrived in h.internet.wait(3):
            for word in (BODY, NAME):  # the subject stands outside until header protection comes
                assert not any(form in arrived["data"] for form in forms(word)), word
            assert BODY.encode() in h.decrypt(arrived["data"], cert, key)
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
        assert h.stop() == 0
        assert not list((h.dir / "state" / "spool").iterdir()) and not list((h.dir / "state" / "scratch").iterdir())


if __name__ == "__main__":
    main()
    print("egress: good")
