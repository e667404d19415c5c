"""A key that cannot be read is not a missing key: mail that hangs on it waits, it never leaves in clear."""
import signal
import smtplib

from house import House

POLICY = """
[[rule]]
name = "wenn moeglich verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "clear", transport = "any" }
"""


def main():
    with House(policy=POLICY) as h:
        h.start()
        h.add_account()
        h.trust_authority()
        h.import_partner("buerger@aussen.example", "RSA:2048")
        h.reload()
        h.submit(["buerger@aussen.example"], text="zuerst")
        assert b"zuerst" not in h.internet.wait(1)[0]["data"]

        notes = next(p for p in (h.dir / "state" / "keys").glob("*.meta") if b"buerger" in p.read_bytes())
        notes.write_bytes(b"\x00 not notes\n")
        h.reload()
        try:
            h.submit(["buerger@aussen.example"], text="danach")
            raise AssertionError("taken without knowing the key")
        except smtplib.SMTPDataError as e:
            assert e.smtp_code == 451, e
            assert b"4.7.5" in e.smtp_error, e
        assert len(h.internet.messages) == 1
        assert h.stop(signal.SIGTERM) == 0
        assert len(h.internet.messages) == 1


if __name__ == "__main__":
    main()
