"""No copy names another blind recipient, nor tells of him by a key: what openssl and gpg see of each copy, for S/MIME and OpenPGP."""
import os
import re

from house import House, run


def check(h, people, start, keys_in):
    """people: address to what identifies its key; keys_in(data) tells which of these a copy shows."""
    visible, blind = list(people)[:2], list(people)[2:]
    raw = (f"From: amt53@stadt.example\r\nTo: {visible[0]}\r\nCc: {visible[1]}\r\nBcc: {', '.join(blind)}\r\nResent-Bcc: {blind[0]}\r\nSubject: Probe\r\n"
           "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nGeheim-4711\r\n").encode()
    h.submit(list(people), raw=raw)
    copies = h.internet.wait(start + 1 + len(blind))[start:]
    assert sorted(map(len, (c["to"] for c in copies))) == [1] * len(blind) + [2], [c["to"] for c in copies]
    for copy in copies:
        own = set(copy["to"])
        assert own == set(visible) or (len(own) == 1 and own <= set(blind)), own
        assert b"Geheim-4711" not in copy["data"] and b"Bcc:" not in copy["data"]
        for address in blind:
            assert address.encode() not in copy["data"], (own, address)
        # exactly the keys of those to whom it goes: one more, one fewer, or somebody else's is a fault
        assert sorted(keys_in(copy["data"])) == sorted(people[a] for a in own), (own, keys_in(copy["data"]))
    return start + len(copies)


with House() as h:
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    smime = {}
    for i, kind in enumerate(("P-256", "RSA-2048", "P-256", "RSA-2048", "P-384")):
        cert, _ = h.import_partner(f"s{i}@aussen.example", kind)
        smime[f"s{i}@aussen.example"] = run("openssl", "x509", "-in", cert, "-noout", "-serial").stdout.decode().strip().split("=")[1].lower()

    def serials(data):
        source = h.dir / "copy.eml"
        source.write_bytes(data)
        printed = run("openssl", "cms", "-cmsout", "-print", "-noout", "-in", source).stdout.decode().lower()
        return [int(n, 16) for n in re.findall(r"serialnumber: 0x([0-9a-f]+)", printed)] or [int(n) for n in re.findall(r"serialnumber: (\d+)", printed)]

    smime = {address: int(serial, 16) for address, serial in smime.items()}
    sent = check(h, smime, 0, serials)

    home, empty = h.dir / "partners", h.dir / "nobody"
    home.mkdir(mode=0o700)
    empty.mkdir(mode=0o700)

    def gpg(*args, directory=home, **kw):
        return run("gpg", "--homedir", directory, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", *args, **kw)

    openpgp = {}
    for i in range(5):
        address = f"p{i}@aussen.example"
        gpg("--quick-generate-key", address, "future-default", "default", "never")
        lines = gpg("--with-colons", "--list-keys", address).stdout.decode().splitlines()
        openpgp[address] = next(line.split(":")[4] for line in lines if line.startswith("sub:") and "e" in line.split(":")[11])
        (h.dir / "key.asc").write_bytes(gpg("--armor", "--export", address).stdout)
        h.cli("keys", "import", h.dir / "key.asc", "--partner")
    h.cli("keys", "generate", "amt53@stadt.example", "--name", "Gesundheitsamt")

    def key_ids(data):
        block = data[data.index(b"-----BEGIN PGP MESSAGE"):]
        # a home without any key: only what the message shows to everybody
        printed = gpg("--list-packets", directory=empty, input=block, check=False).stdout.decode()
        return re.findall(r":pubkey enc packet:.*keyid ([0-9A-F]{16})", printed)

    check(h, openpgp, sent, key_ids)
    assert h.stop() == 0
print("blind copies: good")
