"""A message of 30 MiB is encrypted and delivered; the daemon's memory does not grow with it."""
import base64
import os

from house import SANITIZED, House

POLICY = """
[[rule]]
name = "verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""
SIZE = 30 << 20
MOST_GROWTH = 12 << 20  # buffers of a session, a spool file, CMS and a connection; nothing that grows with the message


def main():
    with House(policy=POLICY) as h:
        h.start()
        h.add_account()
        h.trust_authority()
        cert, keyfile = h.import_partner("buerger@aussen.example", "RSA:2048")
        h.reload()
        h.submit(["buerger@aussen.example"], text="klein")
        h.internet.wait(1)
        body = base64.encodebytes(os.urandom(SIZE * 3 // 4)).replace(b"\n", b"\r\n")
        head = b"From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: gross\r\nMIME-Version: 1.0\r\n"
        with h.client() as s:
            # the check of a password takes 19 MiB of its own: it is over before the peak is forgotten
            before = h.forget_memory_peak()
            s.sendmail("amt53@stadt.example", ["buerger@aussen.example"],
                       head + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body)
            wire = h.internet.wait(2)[1]["data"]
            grown = h.memory_peak() - before
        assert SANITIZED or grown < MOST_GROWTH, f"the daemon grew by {grown >> 20} MiB"
        opened = h.decrypt(wire, cert, keyfile)
        assert body.strip() in opened and body[:60] not in wire
        print(f"grew from {before >> 20} MiB by {grown >> 20} MiB for a message of {SIZE >> 20} MiB")


if __name__ == "__main__":
    main()
