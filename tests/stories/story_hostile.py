"""Broken and hostile messages: each gets a clear answer, none crashes the daemon, none slips out unprotected."""
import smtplib

from house import House, until

FROM = b"From: amt53@stadt.example\r\n"
NESTED = FROM + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(10_000)) + b"\r\nx\r\n"
CASES = [
    ("no From", b"Subject: x\r\n\r\nx\r\n", 550),
    ("two From fields", FROM + FROM + b"\r\nx\r\n", 550),
    ("two in From", b"From: amt53@stadt.example, x@stadt.example\r\n\r\nx\r\n", 550),
    ("From that readers read differently", b"From: amt53@stadt.example <x@y.example>\r\n\r\nx\r\n", 550),
    ("somebody else in From", b"From: bauamt@stadt.example\r\n\r\nx\r\n", 550),
    ("a header line that is none", FROM + b"kein Feld\r\n\r\nx\r\n", 550),
    ("a header of 1 MiB", FROM + b"".join(b"X-A: %s\r\n" % (b"x" * 900) for _ in range(1200)) + b"\r\nx\r\n", 552),
    ("in circles", FROM + b"Received: from a by b; now\r\n" * 60 + b"\r\nx\r\n", 554),
    ("nested ten thousand times", NESTED, 250),
    ("NUL bytes", FROM + b"\r\na\0b\0\r\n", 250),
    ("no header at all", b"\r\nx\r\n", 550),
    ("empty", b"", 550),
    ("pretends to be encrypted", FROM + b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nKlartext\r\n", None),
    ("multipart without boundary", FROM + b"Content-Type: multipart/mixed\r\n\r\n--x\r\nKlartext\r\n", 250),
]

with House() as h:
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    h.import_partner("buerger@aussen.example")
    for name, raw, expected in CASES:
        try:
            h.submit(["buerger@aussen.example"], raw=raw)
            code = 250
        except (smtplib.SMTPDataError, smtplib.SMTPResponseException) as e:
            code = e.smtp_code
        assert expected is None or code == expected, (name, code)
        # and from outside: taken or refused, never a crash
        try:
            h.submit(["amt53@stadt.example"], sender="fremde@aussen.example", role="mx", raw=raw)
        except (smtplib.SMTPException, OSError):
            pass
        assert h.process.poll() is None, name
    # whatever left is encrypted; what only pretended to be stays here
    until("everything settled or held", lambda: h.json("status")["queue"]["due"] == 0 and h.json("status")["queue"]["in_flight"] == 0)
    for message in h.internet.messages:
        assert b"application/pkcs7-mime" in message["data"] and b"Klartext" not in message["data"]
    # a receipt of each refusal
    assert h.json("status")["log"]["size"] > len(CASES)
    assert h.stop() == 0
print("hostile: good")
