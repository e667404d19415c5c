"""A throw-away gateway for one story: directory, keys, config, policies, the real binary, and a receiving server.

    with House() as h:
        h.start()
        h.submit(to=["a@x.example"], text="...")

Everything lies in a temporary directory of its own, every port is the kernel's choice, nothing waits longer than it must.
"""
import base64
import datetime
import hashlib
import json
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time

BINARY = os.environ.get("AMTSBOTE", "build/release/amtsbote")
SANITIZED = bool(os.environ.get("AMTSBOTE_SANITIZE"))  # whose memory says nothing about ours
PATIENCE = 30.0  # seconds; an upper bound for anything that must happen, never a pause

POLICY = """
[[rule]]
name = "Gesundheitsdaten"
when = { direction = "outbound", department = "gesundheitsamt" }
then = { sign = "smime", encrypt = ["smime", "openpgp"], otherwise = "refuse" }

[[rule]]
name = "Bauamt offen"
when = { direction = "outbound", department = "bauamt" }
then = { encrypt = ["smime", "openpgp"], otherwise = "clear", transport = "any" }
"""


def run(*args, **kw):
    kw.setdefault("check", True)
    kw.setdefault("capture_output", True)
    return subprocess.run([str(a) for a in args], **kw)


def until(what, condition, patience=PATIENCE):
    """Waits for a condition that other processes bring about."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("never happened: " + what)
        time.sleep(0.02)


class Pki:
    """A small authority made by openssl."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.ca, self.ca_key = self.dir / "ca.pem", self.dir / "ca.key"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.ca_key, "-out", self.ca,
            "-days", "3650", "-subj", "/CN=Probe-CA", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, extensions, key="P-256"):
        cert, keyfile, csr, ext = (self.dir / (name + s) for s in (".pem", ".key", ".csr", ".ext"))
        new = ["-newkey", "rsa:" + key[4:]] if key.startswith("RSA") else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + key]
        run("openssl", "req", "-new", *new, "-nodes", "-keyout", keyfile, "-out", csr, "-subj", "/CN=" + name)
        ext.write_text(extensions)
        run("openssl", "x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", self.ca_key, "-CAcreateserial", "-days", "365", "-out", cert, "-extfile", ext)
        return cert, keyfile

    def mail(self, address, key="P-256"):
        usage = "keyEncipherment" if key.startswith("RSA") else "keyAgreement"
        return self.issue(address.replace("@", "_at_"),
                          f"subjectAltName=email:{address}\nkeyUsage=critical,digitalSignature,{usage}\nextendedKeyUsage=emailProtection\n", key)

    def server(self, name):
        return self.issue(name, f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")


class Sink:
    """A receiving SMTP or LMTP server that keeps what it gets. `answers` may change its replies: {"data": "550 5.7.1 no"}."""

    def __init__(self, lmtp=False, tls=None, answers=None, address=("127.0.0.1", 0)):
        self.messages, self.asked, self.attempts, self.lmtp, self.answers = [], [], 0, lmtp, dict(answers or {})
        self.context = None
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*map(str, tls))
        self.socket = socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        self.lock = threading.Lock()
        self.stopped = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        try:
            self._talk(conn)
        except (OSError, ValueError):
            pass
        finally:
            conn.close()

    def _talk(self, conn):
        f = conn.makefile("rb")
        tls = False

        def say(text):
            conn.sendall(text.encode() + b"\r\n")

        say("220 sink ESMTP")
        sender, rcpts = "", []
        while True:
            line = f.readline()
            if not line:
                return
            verb = line.split()[0].upper().decode() if line.split() else ""
            if verb in ("EHLO", "LHLO"):
                say("250-sink")
                if self.context and not tls:
                    say("250-STARTTLS")
                say("250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 200000000")
            elif verb == "STARTTLS":
                say("220 go")
                conn = self.context.wrap_socket(conn, server_side=True)
                f = conn.makefile("rb")
                tls = True
            elif verb == "MAIL":
                sender, rcpts = line.decode(errors="replace").split("<", 1)[1].split(">")[0], []
                say(self.answers.get("mail", "250 2.1.0 ok"))
            elif verb == "RCPT":
                address = line.decode(errors="replace").split("<", 1)[1].split(">")[0]
                with self.lock:
                    self.asked.append(address)
                reply = self.answers.get("rcpt " + address, self.answers.get("rcpt", "250 2.1.5 ok"))
                if reply.startswith("2"):
                    rcpts.append(address)
                say(reply)
            elif verb == "DATA":
                if not rcpts:
                    say("554 no valid recipients")
                    continue
                say("354 go")
                pieces = []
                while True:
                    part = f.readline()
                    if not part:
                        return
                    if part == b".\r\n":
                        break
                    pieces.append(part[1:] if part.startswith(b".") else part)
                data = b"".join(pieces)
                reply = self.answers.get("data", "250 2.0.0 taken")
                with self.lock:
                    self.attempts += 1
                if reply.startswith("2"):
                    with self.lock:
                        self.messages.append({"from": sender, "to": list(rcpts), "data": data, "tls": tls})
                if reply == "drop":
                    return
                for _ in rcpts if self.lmtp else [0]:
                    say(reply)
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def wait(self, count=1, patience=PATIENCE):
        until(f"{count} messages at the sink (there are {len(self.messages)})", lambda: len(self.messages) >= count, patience)
        return self.messages

    def close(self):
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)  # a thread that waits in accept would still take one more
            self.socket.close()


class House:
    def __init__(self, policy=POLICY, extra="", routes_transport="any", retry="", limits=""):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="amtsbote-", dir="/tmp"))
        self.policy, self.extra, self.transport, self.retry, self.limits = policy, extra, routes_transport, retry, limits
        self.process, self.ports, self.events = None, {}, []
        self.environment = {}  # of the daemon, beside our own
        self.pki = Pki(self.dir / "pki")
        self.server_cert = self.pki.server("gw.stadt.example")
        self.internet = Sink(tls=self.pki.server("mx.aussen.example"))
        self.mailboxes = Sink(lmtp=True)
        self.write_config()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if exc[0] is not None and self.events:
            sys.stderr.write("".join(self.events[-60:]))
        self.stop()
        self.internet.close()
        self.mailboxes.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def write_config(self):
        d = self.dir
        (d / "policies").mkdir(exist_ok=True)
        (d / "policies" / "10.toml").write_text(self.policy)
        for name in ("seal.key", "log.key"):
            if not (d / name).exists():
                (d / name).write_bytes(os.urandom(32))
                (d / name).chmod(0o400)
        if not (d / "openpgp.key").exists():
            (d / "openpgp.key").write_bytes(base64.b64encode(os.urandom(24)))
            (d / "openpgp.key").chmod(0o400)
        self.server_cert[1].chmod(0o400)
        (d / "amtsbote.toml").write_text(f"""
[site]
hostname = "gw.stadt.example"
node = "a"
timezone = "Europe/Berlin"
language = "de"
state_directory = "{d}/state"
policies = "policies"
control = "{d}/control"
audit = "{d}/audit"

[store]
kind = "sqlite"
free_space = "16MiB"

[secrets]
seal = {{ file = "{d}/seal.key" }}
log = {{ file = "{d}/log.key" }}
openpgp = {{ file = "{d}/openpgp.key" }}

[trust]
tls_anchors = "{self.pki.ca}"

[tls.gw]
certificate = "{self.server_cert[0]}"
key = {{ file = "{self.server_cert[1]}" }}

[[listener]]
role = "submission"
address = "127.0.0.1:0"
tls = "gw"

[[listener]]
role = "relay"
address = "127.0.0.1:0"
networks = ["127.0.0.0/8"]
departments = ["gesundheitsamt", "bauamt"]

[[listener]]
role = "mx"
address = "127.0.0.1:0"
tls = "gw"

[[domain]]
name = "stadt.example"
route = "mailserver"

[[domain]]
name = "gesundheit.stadt.example"
route = "mailserver"

[[department]]
id = "gesundheitsamt"
addresses = ["amt53@stadt.example", "*@gesundheit.stadt.example"]

[[department]]
id = "bauamt"
addresses = ["bauamt@stadt.example"]

[[route]]
name = "mailserver"
to = ["stadt.example"]
lmtp = "127.0.0.1:{self.mailboxes.port}"

[[route]]
name = "internet"
to = ["*"]
smtp = "127.0.0.1:{self.internet.port}"
transport = "{self.transport}"

[retry]
{self.retry}

[limits]
{self.limits}

{self.extra}
""")
        (d / "amtsbote.toml").chmod(0o600)
        (d / "policies" / "10.toml").chmod(0o600)

    def change_config(self, old, new):
        """Another text in the place of one that must be there once."""
        text = self.config.read_text()
        assert text.count(old) == 1, (text.count(old), old)
        self.config.write_text(text.replace(old, new))

    @property
    def config(self):
        return self.dir / "amtsbote.toml"

    def cli(self, *args, check=True, **kw):
        return run(BINARY, *args, "--config", self.config, check=check, **kw)

    def json(self, *args):
        """The answer as JSON; exit code 1 is an answer too."""
        r = self.cli(*args, "--json", check=False)
        assert r.returncode in (0, 1), r.stdout.decode() + r.stderr.decode()
        return json.loads(r.stdout)

    def add_account(self, name="amt53", password="geheim", addresses=("amt53@stadt.example",)):
        self.cli("users", "add", name, *addresses, "--password-stdin", input=password.encode() + b"\n")

    def start(self, **environment):
        self.events = []
        self.ports = {}
        self.process = subprocess.Popen([BINARY, "serve", "--config", str(self.config), "--log-format", "json"], stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **self.environment, **environment})
        process = self.process

        def read():
            for line in process.stderr:
                self.events.append(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if event.get("event") == "listener.open":
                    self.ports[event["role"]] = int(event["port"])

        threading.Thread(target=read, daemon=True).start()

        def ready():
            if process.poll() is not None:
                raise AssertionError("the daemon ended at start:\n" + "".join(self.events))
            return any('"daemon.ready"' in e for e in self.events)

        until("daemon ready", ready)
        return self

    def reload(self, result="active"):
        """SIGHUP; waits for what the daemon says about it."""
        def told():
            return sum('"daemon.reload"' in e and f'"{result}"' in e for e in list(self.events))

        before = told()
        self.process.send_signal(signal.SIGHUP)
        until("the reload is " + result, lambda: told() > before)

    def query(self, sql):
        """Reads the store from beside, as an auditor with the disk could."""
        db = sqlite3.connect(f"file:{self.dir}/state/store.sqlite?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def leaves(self, event=None):
        all_leaves = [json.loads(row[0]) for row in self.query("SELECT bytes FROM leaf ORDER BY idx")]
        return [leaf for leaf in all_leaves if event in (None, leaf["ev"])]

    def config_texts(self):
        """The hashes, as leaves write them, under which configuration and policies are archived."""
        return {base64.urlsafe_b64encode(row[0]).decode().rstrip("=") for row in self.query("SELECT DISTINCT hash FROM config_text")}

    def vkey(self):
        return self.query("SELECT vkey FROM log_state")[0][0]

    def epochs(self):
        """Names and verifier keys of the log's epochs, in their order."""
        key = self.vkey()
        origin, coded = key.split("+", 1)[0], key.split("+", 2)[2]
        public = base64.b64decode(coded)
        out = []
        for name in sorted((p.name for p in (self.dir / "state" / "log").iterdir()), key=lambda n: [int(part) for part in n.split(".")]):
            own = origin.rsplit("/", 1)[0] + "/" + name
            out.append((name, f"{own}+{hashlib.sha256(own.encode() + bytes([10]) + public).hexdigest()[:8]}+{coded}"))
        return out

    def foreign_fsck(self):
        """The whole log, all epochs, before the verifier in Go that was written from the documentation."""
        source = pathlib.Path(__file__).resolve().parent.parent / "foreign" / "sumdb"
        tool = self.dir / "sumdb"
        if not tool.exists():
            run("go", "build", "-o", tool, ".", cwd=source,
                env={**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "GOPATH": "/usr/share/gocode", "GOCACHE": str(self.dir / "gocache")})
        arguments = []
        for name, vkey in self.epochs():
            arguments += [self.dir / "state" / "log" / name, vkey]
        return run(tool, *arguments, check=False)

    def checkpoint(self):
        """Of the epoch of this year, which is the one that a house writes."""
        return self.dir / "state" / "log" / str(datetime.datetime.now(datetime.timezone.utc).year) / "checkpoint"

    def fsck(self):
        return run(BINARY, "receipts", "fsck", self.dir / "state" / "log", "--vkey", self.vkey())

    def stop(self, how=signal.SIGTERM):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        return code

    def memory_peak(self):
        """The most memory in bytes that the daemon has held, since its start or since forget_memory_peak()."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    def forget_memory_peak(self):
        """What is held now becomes the peak; returns it."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")
        return self.memory_peak()

    def client(self, role="submission", login=("amt53", "geheim")):
        s = smtplib.SMTP("127.0.0.1", self.ports[role], timeout=PATIENCE, local_hostname="client.example")
        if role == "submission":
            context = ssl.create_default_context(cafile=str(self.pki.ca))
            context.check_hostname = False
            s.starttls(context=context)
            s.login(*login)
        return s

    def submit(self, to, text="Hallo", subject="Probe", sender="amt53@stadt.example", role="submission", headers=None, raw=None, login=("amt53", "geheim")):
        """Sends one message; returns the final reply, or raises smtplib's exception with it."""
        message = raw
        if message is None:
            lines = [f"From: {sender}", "To: " + ", ".join(to), f"Subject: {subject}", "MIME-Version: 1.0",
                     "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
            lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
            message = ("\r\n".join(lines) + "\r\n\r\n" + text + "\r\n").encode()
        s = self.client(role, login)
        try:
            s.ehlo_or_helo_if_needed()
            code, reply = s.mail(sender, ["BODY=8BITMIME"])
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, reply, sender)
            refused = {}
            for r in to:
                code, reply = s.rcpt(r)
                if code != 250:
                    refused[r] = (code, reply)
            if refused:
                raise smtplib.SMTPRecipientsRefused(refused)
            code, reply = s.data(message)
            if code != 250:
                raise smtplib.SMTPDataError(code, reply)
            return reply.decode()
        finally:
            s.close()

    def import_partner(self, address, key="P-256"):
        """A citizen with an S/MIME certificate; returns certificate and key for openssl."""
        cert, keyfile = self.pki.mail(address, key)
        self.cli("keys", "import", cert, "--partner")
        return cert, keyfile

    def import_own(self, address):
        cert, keyfile = self.pki.mail(address)
        both = self.dir / (address + ".both.pem")
        both.write_bytes(cert.read_bytes() + keyfile.read_bytes())
        self.cli("keys", "import", both, "--own")
        return cert, keyfile

    def trust_authority(self):
        self.cli("keys", "import", self.pki.ca, "--authority", "--trusted")

    def decrypt(self, data, cert, keyfile):
        source = self.dir / "in.eml"
        source.write_bytes(data)
        return run("openssl", "cms", "-decrypt", "-in", source, "-recip", cert, "-inkey", keyfile).stdout

    def verify(self, entity):
        source = self.dir / "signed.eml"
        source.write_bytes(entity)
        return run("openssl", "cms", "-verify", "-in", source, "-CAfile", self.pki.ca, "-purpose", "smimesign").stdout
