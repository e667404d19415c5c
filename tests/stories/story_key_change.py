"""Every kind of key changes as docs/operations.md says, while mail flows: TLS, the S/MIME identity, the passphrase of the OpenPGP keys; the root key
and the log's key are those of their state directory for good, and a new one begins beside it."""
import base64
import os
import pty
import re
import select
import shutil
import socket
import ssl
import time

from house import BINARY, House, run, until

POLICY = """
[[rule]]
name = "smime"
when = { direction = "outbound", recipient_domain = ["example.org"] }
then = { sign = "smime", encrypt = ["smime"], otherwise = "refuse" }

[[rule]]
name = "openpgp"
when = { direction = "outbound", recipient_domain = ["example.net"] }
then = { sign = "openpgp", encrypt = [], otherwise = "clear", transport = "any" }
"""


def put_secret(path, content):
    path.chmod(0o600)
    path.write_bytes(content)
    path.chmod(0o400)


def shown_certificate(h):
    """What a client of the submission listener sees, as the serial number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(h.pki.ca)
    with socket.create_connection(("127.0.0.1", h.ports["submission"]), timeout=30) as s:
        for command in (b"", b"EHLO x\r\n", b"STARTTLS\r\n"):
            s.sendall(command)
            s.recv(4096)
        with context.wrap_socket(s, server_hostname="gw.stadt.example") as secured:
            return secured.getpeercert()["serialNumber"]


def tls(h):
    before = shown_certificate(h)
    certificate, key = h.server_cert
    old = certificate.read_text(), key.read_bytes()
    new = [p.read_bytes() for p in h.pki.issue("renewed", "subjectAltName=DNS:gw.stadt.example\nextendedKeyUsage=serverAuth\n")]
    # half of it is no version: the old one serves on, and both commands say why
    certificate.write_bytes(new[0])
    for command in ("check", "reload"):
        told = h.cli(command, check=False)
        assert told.returncode == 1 and b"key values mismatch" in told.stdout, told
    assert shown_certificate(h) == before
    put_secret(key, new[1])
    h.cli("check")
    h.cli("reload")
    assert shown_certificate(h) != before
    assert old[0] != certificate.read_text()


def smime(h, citizen):
    first = h.import_own("amt53@stadt.example")[0].read_text()
    h.submit(["buerger@example.org"])
    begun = int(time.time())
    until("a certificate made now is newer: it counts seconds", lambda: int(time.time()) > begun)
    second = h.import_own("amt53@stadt.example")[0].read_text()
    assert first != second
    h.submit(["buerger@example.org"])
    messages = h.internet.wait(2)
    signers = []
    for message in messages:
        opened = h.dir / "opened.eml"
        opened.write_bytes(h.decrypt(message["data"], *citizen))
        run("openssl", "cms", "-verify", "-in", opened, "-CAfile", h.pki.ca, "-purpose", "smimesign", "-signer", h.dir / "signer.pem", "-out", "/dev/null")
        signers.append(run("openssl", "x509", "-in", h.dir / "signer.pem", "-noout", "-serial").stdout)
    serials = [run("openssl", "x509", "-noout", "-serial", input=text.encode()).stdout for text in (first, second)]
    assert signers == serials, (signers, serials)  # the new one signs from the moment of its import
    told = h.cli("keys", "explain", "amt53@stadt.example").stdout.decode()
    assert len(re.findall(r"^opens ", told, re.M)) == 2 and "does not sign: a newer key does" in told, told


def change_passphrase(home, fingerprint, old, new):
    """As an administrator types it at a terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("gpg", ["gpg", "--homedir", home, "--options", "/dev/null", "--pinentry-mode", "loopback", "--change-passphrase", fingerprint])
    text, answers = b"", [old, new]
    try:
        while select.select([fd], [], [], 30)[0]:
            got = os.read(fd, 4096)
            if not got:
                break
            text += got
            if re.search(rb"passphrase: *$", text):
                os.write(fd, (answers.pop(0) if len(answers) > 1 else answers[0]) + b"\n")
                text = b""
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text


def passphrase(h):
    fingerprint = re.search(r"[0-9A-F]{40}", h.cli("keys", "generate", "amt53@stadt.example").stdout.decode()).group()
    h.submit(["jemand@example.net"])
    h.internet.wait(3)
    assert h.stop() == 0
    home = h.dir / "state" / "gnupg"
    new = base64.b64encode(os.urandom(24))
    change_passphrase(home, fingerprint, (h.dir / "openpgp.key").read_bytes(), new)
    run("gpgconf", "--homedir", home, "--kill", "gpg-agent")
    put_secret(h.dir / "openpgp.key", new)
    h.start()
    h.submit(["jemand@example.net"])
    h.internet.wait(4)
    assert all(b"multipart/signed" in m["data"] and b"PGP SIGNATURE" in m["data"] for m in h.internet.messages[2:])


def a_new_state_directory(h):
    assert h.stop() == 0
    for name, word in (("seal.key", b"foreign_sealing_key"), ("log.key", b"the key given is")):
        kept = (h.dir / name).read_bytes()
        put_secret(h.dir / name, os.urandom(32))
        for command in (["serve"], ["receipts", "new-epoch", "--reason", "x"]):
            refused = run(BINARY, *command, "--config", h.config, check=False)
            assert refused.returncode == 2 and word in refused.stderr, refused
        put_secret(h.dir / name, kept)
    old_key = h.vkey()
    shutil.move(h.dir / "state", h.dir / "old")
    for name in ("seal.key", "log.key"):
        put_secret(h.dir / name, os.urandom(32))
    h.change_config('node = "a"', 'node = "b"')
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    h.import_partner("buerger@example.org")
    h.submit(["buerger@example.org"])
    h.internet.wait(5)
    assert h.stop() == 0
    h.fsck()
    assert "/receipts/b/" in h.vkey()
    run(BINARY, "receipts", "fsck", h.dir / "old" / "log", "--vkey", old_key)  # stays provable


with House(policy=POLICY) as h:
    h.add_account()
    h.trust_authority()
    citizen = h.import_partner("buerger@example.org")
    h.start()
    tls(h)
    smime(h, citizen)
    passphrase(h)
    a_new_state_directory(h)
