"""Real programs of other makers beside the gateway, each with a configuration of its own in the story's directory; and the pages of
docs/beside, whose configurations are what these programs run with."""
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import sys

from house import until

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def needs(*programs):
    """A story ends here where a program is not installed (tools/setup --tests brings them), or where we may not start it."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [p for p in programs if not shutil.which(p, path=path)]
    if missing or os.geteuid() != 0:
        print("not here: " + (", ".join(missing) or "root, whom these programs' masters must be"))
        sys.exit(77)
    os.environ["PATH"] = path


def free_port(address="127.0.0.1"):
    """A port that the kernel says is free; these programs cannot be told to take any."""
    with socket.create_server((address, 0)) as s:
        return s.getsockname()[1]


class Page:
    """A page of docs/beside. Its blocks of code, each under a comment with its name, are taken as they stand, with the page's example
    values replaced by those of the story: each must occur, so that a page that changes fails the story."""

    def __init__(self, name):
        text = (SOURCE / "docs" / "beside" / name).read_text(encoding="utf-8")
        found = re.findall(r"<!-- ([\w.: -]+) -->\n```\w*\n(.*?)```", text, re.S)
        assert len(found) == text.count("```") // 2, f"{name}: a block without a name"
        assert len(dict(found)) == len(found), f"{name}: two blocks of one name"
        self.name, self.blocks, self.used = name, {k: v for k, v in found if k != "picture"}, set()

    def block(self, name, values=None):
        text = self.blocks[name]
        self.used.add(name)
        for old, new in (values or {}).items():
            assert old in text, f"{self.name}, {name}: {old} does not occur"
            text = text.replace(old, str(new))
        return text

    def check_all_used(self):
        assert self.used == set(self.blocks), f"{self.name}: never tried: {set(self.blocks) - self.used}"


class Neighbour:
    """One program in the foreground, ended with the story."""

    def __init__(self, name, command, directory, ready, env=None):
        self.name, self.output = name, pathlib.Path(directory) / (name + ".out")
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env)
        try:
            until(name + " to be ready", lambda: self._alive() and ready())
        except AssertionError:
            self.stop()
            sys.stderr.write(self.output.read_text(errors="replace")[-3000:])
            raise

    def _alive(self):
        assert self.process.poll() is None, f"{self.name} ended: " + self.output.read_text(errors="replace")[-3000:]
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        if exc[0] is not None:
            sys.stderr.write(self.output.read_text(errors="replace")[-3000:])


def listens(port, address="127.0.0.1"):
    def ask():
        try:
            socket.create_connection((address, port), 1).close()
        except OSError:
            return False
        return True
    return ask


# what Debian's own main.cf and master.cf bring along, for an instance that touches nothing of the system's
POSTFIX_FRAME = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
alias_maps =
alias_database =
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
"""

POSTFIX_SERVICES = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Neighbour):
    """`main_cf`: the page's own lines."""

    def __init__(self, directory, main_cf):
        self.port, directory = free_port(), pathlib.Path(directory)
        for folder in ("conf", "queue", "data"):
            (directory / folder).mkdir(parents=True)
        directory.parent.chmod(0o755)  # its programs run as another user
        owner = pwd.getpwnam("postfix")
        os.chown(directory / "data", owner.pw_uid, owner.pw_gid)
        (directory / "conf" / "main.cf").write_text(POSTFIX_FRAME.format(dir=directory) + main_cf)
        (directory / "conf" / "master.cf").write_text(POSTFIX_SERVICES.format(port=self.port))
        self.log = directory / "maillog"
        subprocess.run(["postfix", "-c", str(directory / "conf"), "check"], stdin=subprocess.DEVNULL, check=True)
        super().__init__("postfix", ["postfix", "-c", directory / "conf", "start-fg"], directory, listens(self.port))

    def logged(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def __exit__(self, *exc):
        super().__exit__(*exc)
        if exc[0] is not None:
            sys.stderr.write(self.logged()[-3000:])


class Dovecot(Neighbour):
    def __init__(self, directory, conf, imap_port):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        directory.parent.chmod(0o755)
        file = directory / "dovecot.conf"
        file.write_text(f"base_dir = {directory}/run\nstate_dir = {directory}/state\nlog_path = {directory}/log\n" + conf)
        self.log = directory / "log"
        super().__init__("dovecot", ["dovecot", "-F", "-c", file], directory, listens(imap_port))

    def __exit__(self, *exc):
        super().__exit__(*exc)
        if exc[0] is not None and self.log.exists():
            sys.stderr.write(self.log.read_text(errors="replace")[-3000:])


class HaProxy(Neighbour):
    def __init__(self, directory, conf, *ports):
        file = pathlib.Path(directory) / "haproxy.cfg"
        file.write_text(conf)
        subprocess.run(["haproxy", "-c", "-f", str(file)], check=True, capture_output=True)
        super().__init__("haproxy", ["haproxy", "-db", "-f", file], directory, lambda: all(listens(p)() for p in ports))
