"""A private Postfix relay on loopback: Debian's programs, own configuration, queue and log below one directory; the system's own
instance is not touched. fsync is on, as Postfix always has it. TLS on both sides and connections are reused where it can."""
import os
import pwd
import subprocess
import time

from rig import machine
from rig.peers import free_port, wait_for_port

MAIN = """compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.bench.invalid
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{sink}
disable_dns_lookups = yes
smtp_dns_support_level = disabled
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
alias_maps =
alias_database =
local_recipient_maps =
message_size_limit = 209715200
mailbox_size_limit = 0
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {cert}
smtp_tls_security_level = may
smtp_tls_connection_reuse = yes
smtp_tls_session_cache_database = btree:{dir}/data/smtp_scache
"""

# service, type, private, unpriv, chroot, wakeup, maxproc, command
SERVICES = """pickup unix n - n 60 1 pickup
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
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    name = "Postfix"

    def __init__(self, directory, sink_port, pki):
        self.directory, self.port = directory, free_port()
        self.conf = os.path.join(directory, "conf")
        owner = pwd.getpwnam("postfix")
        for folder in ("conf", "queue", "data"):
            os.makedirs(os.path.join(directory, folder))
        os.chown(os.path.join(directory, "data"), owner.pw_uid, owner.pw_gid)
        with open(os.path.join(self.conf, "main.cf"), "w", encoding="ascii") as f:
            f.write(MAIN.format(dir=directory, sink=sink_port, key=pki.file("relay.key"), cert=pki.file("relay.pem")))
        with open(os.path.join(self.conf, "master.cf"), "w", encoding="ascii") as f:
            f.write(f"127.0.0.1:{self.port} inet n - n - - smtpd\n" + SERVICES)

    def _do(self, word):
        return subprocess.run(["postfix", "-c", self.conf, word], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def start(self):
        started = self._do("start")
        if started.returncode != 0:
            raise RuntimeError("postfix: " + started.stderr)
        return wait_for_port(self.port, 15)

    def pids(self):
        with open(os.path.join(self.directory, "queue", "pid", "master.pid"), encoding="ascii") as f:
            return machine.family(int(f.read()))

    def stop(self):
        self._do("stop")
        time.sleep(0.2)
