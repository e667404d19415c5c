"""From nothing to the first protected message: init, check, serve, a partner's key, send; opened by openssl. And nothing is overwritten."""
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile

from house import BINARY, Pki, Sink, run


def free_port():
    """One that the kernel just gave and took back: `send` reads it in the config, so it cannot be 0 there."""
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def init(into, *more, **kw):
    return run(os.path.abspath(BINARY), "init", "--into", into, *more, check=False, **kw)


def everything(directory):
    return {str(p): (p.stat().st_mode, p.read_bytes() if p.is_file() else b"") for p in sorted(pathlib.Path(directory).rglob("*"))}


class Typed:
    """A person at a terminal who answers what is asked."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], list(command))
        self.text = ""

    def expect(self, pattern, answer=None):
        while re.search(pattern, self.text) is None:
            ready, _, _ = select.select([self.fd], [], [], 30)
            assert ready, "nothing like " + pattern + " in: " + self.text
            try:
                self.text += os.read(self.fd, 4096).decode()
            except OSError:
                raise AssertionError("it ended before " + pattern + ": " + self.text)
        if answer is not None:
            self.text = ""
            os.write(self.fd, answer.encode() + b"\n")

    def end(self):
        try:
            while os.read(self.fd, 4096):
                pass
        except OSError:
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def serve(config):
    process = subprocess.Popen([BINARY, "serve", "--config", str(config), "--log-format", "json"], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if '"daemon.ready"' in line:
            return process
    raise AssertionError("it did not start")


def the_first_message(top):
    sink = Sink()
    port = free_port()
    r = init(top / "a", "--domain", "stadt.example", "--next-hop", f"127.0.0.1:{sink.port}", "--department", "amt53", "--listen", f"submission=127.0.0.1:{port}")
    assert r.returncode == 0, r.stderr
    text = r.stdout.decode()
    password = re.search(r"^password +(\S+)", text, re.M).group(1)
    assert "For trials only" in text and "tls/gw.pem" in text
    config = top / "a" / "amtsbote.toml"
    # beside us, by a path of which nothing is there yet
    assert init("deep/b", "--domain", "stadt.example", "--next-hop", "127.0.0.1:25", cwd=top).returncode == 0 and (top / "deep" / "b" / "amtsbote.toml").exists()
    shutil.rmtree(top / "deep")
    for command in (["check"], ["policy", "test"], ["policy", "prove"]):
        r = run(BINARY, *command, "--config", config, check=False)
        assert r.returncode == 0, (command, r.stdout, r.stderr)
    for path, (mode, _) in everything(top / "a" / "secrets").items():
        assert mode & 0o777 == 0o400, path
    assert password.encode() not in b"".join(content for _, content in everything(top / "a").values())

    daemon = serve(config)
    try:
        partner = Pki(top / "pki").mail("praxis@partner.example", "RSA:2048")
        run(BINARY, "keys", "import", "--trusted", partner[0], "--config", config)
        send = [BINARY, "send", "--config", config, "--account", "amt53", "--password-stdin", "--from", "amt53@stadt.example"]
        r = run(*send, "--to", "praxis@partner.example", "--subject", "Befund für Sie", input=(password + "\nGeheimnis Nummer 7\n").encode(), check=False)
        assert r.returncode == 0 and b"250 2.0.0" in r.stdout, r
        message = top / "received.eml"
        message.write_bytes(sink.wait()[0]["data"])
        assert b"Geheimnis" not in message.read_bytes()
        opened = top / "opened.eml"
        run("openssl", "cms", "-decrypt", "-in", message, "-recip", partner[0], "-inkey", partner[1], "-out", opened)
        plain = run("openssl", "cms", "-verify", "-in", opened, "-noverify", "-certfile", partner[0]).stdout.decode()
        assert "Geheimnis Nummer 7" in plain, plain

        # refused by the policy: the answer is no, and its text says why
        r = run(*send, "--to", "buerger@fremd.example", "--subject", "x", input=(password + "\ntext\n").encode(), check=False)
        assert r.returncode == 1 and b"550 5.7" in r.stdout, r
        # a wrong password, a text without a header, and no relay without an account
        r = run(*send, "--to", "praxis@partner.example", "--subject", "x", input=b"falsch\ntext\n", check=False)
        assert r.returncode in (1, 2) and b"535" in r.stdout + r.stderr, r
        r = run(*send, "--to", "praxis@partner.example", input=(password + "\nmere text\n").encode(), check=False)
        assert r.returncode == 2 and b"--subject" in r.stderr, r
        r = run(BINARY, "send", "--config", config, "--from", "amt53@stadt.example", "--to", "x@y.example", input=b"Subject: x\n\ny\n", check=False)
        assert r.returncode == 2 and b"no relay" in r.stderr, r
        assert len(sink.messages) == 1
    finally:
        daemon.terminate()
        assert daemon.wait(40) == 0
        sink.close()
    # nobody listens now: it cannot be told
    r = run(*send, "--to", "praxis@partner.example", "--subject", "x", input=(password + "\ntext\n").encode(), check=False)
    assert r.returncode == 2, r


def nothing_is_overwritten(top):
    before = everything(top / "a")
    r = init(top / "a", "--domain", "stadt.example", "--next-hop", "127.0.0.1:25")
    assert r.returncode == 2 and b"amtsbote.toml exists already" in r.stderr, r
    assert everything(top / "a") == before
    # one file in the way, wherever it lies, and nothing else is written
    for name in ("tls/gw.pem", "secrets/log.key", "policies/tests/10-first.toml", "state/store.sqlite"):
        place = top / ("way-" + name.replace("/", "-"))
        (place / name).parent.mkdir(parents=True)
        (place / name).write_bytes(b"mine")
        before = everything(place)
        r = init(place, "--domain", "stadt.example", "--next-hop", "127.0.0.1:25")
        assert r.returncode == 2 and str(place / name).encode() in r.stderr, r
        assert everything(place) == before
    # what fails after the first file leaves nothing either: this state directory can hold no socket
    deep = top / ("d" * 100)
    r = init(deep, "--domain", "stadt.example", "--next-hop", "127.0.0.1:25")
    assert r.returncode == 2 and b"107 bytes" in r.stderr, r
    assert not deep.exists()


def wrong_answers(top):
    for flags, word in (
        (["--next-hop", "x.example:25"], b"--domain is missing"),
        (["--domain", "stadt.example"], b"--next-hop is missing"),
        (["--domain", "stadt..example", "--next-hop", "x.example:25"], b"--domain"),
        (["--domain", "stadt.example", "--next-hop", 'x"\nrole = "mx:25'], b"--next-hop"),
        (["--domain", "stadt.example", "--next-hop", "x.example"], b"--next-hop"),
        (["--domain", "stadt.example", "--next-hop", "x.example:25", "--address", "a@fremd.example"], b"--address"),
        (["--domain", "stadt.example", "--next-hop", "x.example:25", "--department", "Amt 53"], b"--department"),
        (["--domain", "stadt.example", "--next-hop", "x.example:25", "--listen", "mx=127.0.0.1:2525"], b"submission"),
        (["--domain", "stadt.example", "--next-hop", "x.example:25", "--listen", "relay=10.0.0.1:2525"], b"loopback"),
        (["--domain", "stadt.example", "--next-hop", "x.example:25", "--password-stdin"], b"password"),
    ):
        r = init(top / "w", *flags, stdin=subprocess.DEVNULL)
        assert r.returncode == 2 and word in r.stderr, (flags, r)
        assert not (top / "w").exists(), flags


def asked_on_a_terminal(top):
    person = Typed(BINARY, "init", "--into", str(top / "t"))
    person.expect("mail domain.*: ", "")  # asked again: there is no default
    person.expect("mail domain.*: ", "städtchen.example")
    person.expect("host:port\\): ", "relay.example.net:465")
    person.expect("own mail server.*: ", "lmtp:127.0.0.1:24")
    person.expect("poststelle\\]: ", "bauamt")
    person.expect("bauamt@.*\\]: ", "")
    assert person.end() == 0
    config = top / "t" / "amtsbote.toml"
    assert run(BINARY, "check", "--config", config, check=False).returncode == 0
    text = config.read_text()
    assert 'name = "' + "städtchen.example".encode("idna").decode() + '"' in text and "implicit_tls = true" in text and 'role = "mx"' in text, text


top = pathlib.Path(tempfile.mkdtemp(prefix="amtsbote-init-", dir="/tmp"))
try:
    the_first_message(top)
    nothing_is_overwritten(top)
    wrong_answers(top)
    asked_on_a_terminal(top)
finally:
    shutil.rmtree(top, ignore_errors=True)
