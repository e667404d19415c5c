"""Bad input gets a clear refusal and a receipt of it, or is protected like any other; none crashes, none slips out."""
import smtplib

from house import House

POLICY = """
[[rule]]
name = "Gesundheitsdaten"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""
MARKER = b"diagnose-xyzzy-4711"
TO = "buerger@aussen.example"
HEAD = b"From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: Probe\r\n"


def nested(depth):
    head = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(depth))
    return HEAD + b"MIME-Version: 1.0\r\n" + head + b"\r\n" + MARKER + b"\r\n"


ODD = {
    "no From": b"To: buerger@aussen.example\r\nSubject: Probe\r\n\r\n" + MARKER + b"\r\n",
    "two From": b"From: fremde@aussen.example\r\n" + HEAD + b"\r\n" + MARKER + b"\r\n",
    "broken MIME": HEAD + b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\r\n\r\n--\r\n" + MARKER + b"\r\n",
    "10,000 nested": nested(10000),
    "a header of 1 MiB": HEAD + b"X-Long: a\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 900) for i in range(1200)) + b"\r\n" + MARKER + b"\r\n",
    "NUL bytes": HEAD + b"\r\n" + MARKER + b"\0\0\r\n",
    "NUL in the header": HEAD + b"X-Nul: a\0b\r\n\r\n" + MARKER + b"\r\n",
}
MUST_REFUSE = {"no From", "two From", "a header of 1 MiB"}


def offer(h, raw):
    """The code of the final answer."""
    try:
        h.submit([TO], raw=raw)
        return 250
    except smtplib.SMTPDataError as e:
        return e.smtp_code
    except smtplib.SMTPServerDisconnected:
        return 521


def main():
    with House(policy=POLICY) as h:
        h.start()
        h.add_account()
        try:
            h.submit(["ohne@aussen.example"], text=MARKER.decode())
            raise AssertionError("taken without a key")
        except smtplib.SMTPDataError as e:
            text = e.smtp_error.decode("ascii")
            assert e.smtp_code == 550 and "5.7.1" in text, e
            assert "ohne@aussen.example" in text and "Gesundheitsdaten" in text and "Schluessel" in text and "No usable key" in text, text

        h.trust_authority()
        cert, keyfile = h.import_partner(TO, "RSA:2048")
        h.reload()
        answers = {name: offer(h, raw) for name, raw in ODD.items()}
        for name, code in answers.items():
            assert code == 250 or code >= 500, (name, code)
            assert name not in MUST_REFUSE or code >= 500, f"{name} was taken"
        assert h.process.poll() is None, "the daemon died"
        h.submit([TO], text="zuletzt")
        taken = sum(code == 250 for code in answers.values()) + 1
        for m in h.internet.wait(taken):
            assert MARKER not in m["data"], "left unprotected"
            assert b"application/pkcs7-mime" in m["data"]
        assert any(b"zuletzt" in h.decrypt(m["data"], cert, keyfile) for m in h.internet.messages)
        assert h.stop() == 0
        refusals = h.leaves("msg.reject")
        assert any(leaf["out"] == "no_key" for leaf in refusals), refusals
        assert {"no_from", "several_from", "header_too_large"} <= {leaf["out"] for leaf in refusals}, refusals
        print(answers)


if __name__ == "__main__":
    main()
