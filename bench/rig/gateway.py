"""An Amtsbote of its own on loopback: config, policies, keys and state below one directory. What is asked of it follows from the
recipient: @plain.example passes (own rule clears it), @secret.example is signed and encrypted."""
import os
import signal
import sqlite3
import subprocess
import time

from rig import machine
from rig.peers import BUILD, free_port, wait_for_port

PROGRAM = os.environ.get("AMTSBOTE", os.path.join(BUILD, "amtsbote"))

CONFIG = """[site]
hostname = "gw.stadt.example"
node = "bench"
timezone = "Europe/Berlin"
language = "de"
state_directory = "{dir}/state"
policies = "policies"
control = "{dir}/control"
audit = "{dir}/audit"

[store]
kind = "sqlite"
free_space = "64MiB"

[secrets]
seal = {{ file = "{dir}/seal.key" }}
log = {{ file = "{dir}/log.key" }}

[tls.gw]
certificate = "{pki}/gateway.pem"
key = {{ file = "{pki}/gateway.key" }}

[[listener]]
role = "relay"
address = "127.0.0.1:{port}"
tls = "gw"
networks = ["127.0.0.0/8"]
departments = ["amt"]

[[domain]]
name = "stadt.example"
route = "inside"

[[department]]
id = "amt"
addresses = ["*@stadt.example"]

[[route]]
name = "inside"
to = ["stadt.example"]
smtp = "127.0.0.1:{sink}"
transport = "any"

[[route]]
name = "outside"
to = ["*"]
smtp = "127.0.0.1:{sink}"
transport = "any"

[limits]
sessions_per_address = 1000
"""

POLICY = """[[rule]]
name = "protected"
when = { direction = "outbound", recipient = "*@secret.example" }
then = { sign = "smime", encrypt = ["smime"], otherwise = "refuse", transport = "any" }

[[rule]]
name = "passes"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any" }
"""


class Gateway:
    name = "Amtsbote"
    sender = "amt@stadt.example"
    plain, secret = "buerger@plain.example", "buerger@secret.example"

    def __init__(self, directory, sink_port, pki, extra=""):
        self.directory, self.port, self.pki, self.process = directory, free_port(), pki, None
        self.config = os.path.join(directory, "amtsbote.toml")
        os.makedirs(os.path.join(directory, "policies"))
        os.makedirs(os.path.join(directory, "state"), mode=0o700)
        for name in ("seal", "log"):
            self._write(name + ".key", os.urandom(32), 0o400)
        self.program = PROGRAM
        text = CONFIG.format(dir=directory, pki=pki.directory, port=self.port, sink=sink_port) + extra
        self._write("amtsbote.toml", text.encode(), 0o600)
        self._write("policies/10-bench.toml", POLICY.encode(), 0o600)

    def _write(self, name, data, mode):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)

    def command(self, *words):
        return subprocess.run([PROGRAM, *words, "--config", self.config], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def import_keys(self):
        """Ours to sign with, the partner's to encrypt to."""
        both = b"".join(open(self.pki.file(name), "rb").read() for name in ("amt.pem", "amt.key"))
        self._write("amt.both.pem", both, 0o400)
        for words in (("keys", "import", self.pki.file("root.pem"), "--authority", "--trusted"),
                      ("keys", "import", os.path.join(self.directory, "amt.both.pem"), "--own"),
                      ("keys", "import", self.pki.file("partner.pem"), "--partner", "--gcm")):
            done = self.command(*words)
            if done.returncode != 0:
                raise RuntimeError(" ".join(words) + ": " + done.stdout + done.stderr)

    def start(self):
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "serve", "--config", self.config], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return wait_for_port(self.port, 30, lambda: self.process.poll() is None)

    def vkey(self):
        """The log's verifier key, from a store that nobody holds."""
        with sqlite3.connect(f"file:{self.directory}/state/store.sqlite?mode=ro", uri=True) as db:
            return db.execute("SELECT vkey FROM log_state").fetchone()[0]

    def pids(self):
        return machine.family(self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def state_bytes(self):
        return sum(os.path.getsize(os.path.join(where, f)) for where, _, files in os.walk(os.path.join(self.directory, "state")) for f in files)

    def log_tail(self, size=1500):
        time.sleep(0.1)
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-size:]
