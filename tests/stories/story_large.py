"""A message of 30 MiB is encrypted and delivered; the daemon's memory does not grow with it."""
import base64
import os

from house import House

POLICY = """
[[rule]]
name = "verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""
SIZE = 30 << 20


def peak(h):
    """VmHWM of the daemon in bytes."""
    with open(f"/proc/{h.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def main():
    with House(policy=POLICY) as h:
        h.start()
        h.add_account()
        h.trust_authority()
        cert, keyfile = h.import_partner("buerger@aussen.example", "RSA:2048")
        h.reload()
        h.submit(["buerger@aussen.example"], text="klein")
        h.internet.wait(1)
        before = peak(h)
        body = base64.encodebytes(os.urandom(SIZE * 3 // 4)).replace(b"\n", b"\r\n")
        head = b"From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: gross\r\nMIME-Version: 1.0\r\n"
        h.submit(["buerger@aussen.example"], raw=head + b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body)
        wire = h.internet.wait(2)[1]["data"]
        grown = peak(h) - before
        assert grown < 2 * SIZE, f"the daemon grew by {grown >> 20} MiB"
        opened = h.decrypt(wire, cert, keyfile)
        assert body.strip() in opened and body[:60] not in wire
        print(f"grew by {grown >> 20} MiB for a message of {SIZE >> 20} MiB")


if __name__ == "__main__":
    main()
