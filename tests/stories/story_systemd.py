"""What the daemon and systemd say to each other, with this story in systemd's place: ready, reloading, stopping, the watchdog, and
sockets that are open already."""
import os
import signal
import smtplib
import socket
import subprocess

from house import BINARY, House, until


class Manager:
    """Hears what the daemon says, and hands it sockets from descriptor 3 on."""

    def __init__(self, house):
        self.house = house
        self.path = str(house.dir / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(30)
        self.heard = []

    def start(self, sockets, **environment):
        pairs = [(s.fileno(), 3 + i) for i, s in enumerate(sockets)]

        def arrange():
            copies = [(os.dup(fd), to) for fd, to in pairs]
            high = [(os.dup2(fd, 100 + to), to) for fd, to in copies]
            for fd, to in high:
                os.dup2(fd, to, inheritable=True)
                os.close(fd)

        env = {**os.environ, "NOTIFY_SOCKET": self.path, "LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": "x", **environment}
        command = 'LISTEN_PID=${PID:-$$} exec "$0" serve --config "$1" --log-format json'
        self.process = subprocess.Popen(["sh", "-c", command, BINARY, str(self.house.config)], env=env, stderr=open(self.house.dir / "log", "w"), preexec_fn=arrange,
                                        close_fds=False)

    def expect(self, word):
        """The next message with this word; watchdog messages in between are counted."""
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except TimeoutError:
                raise AssertionError(word + " never came: " + self.log())
            self.heard.append(text)
            if word in text.split("\n"):
                return text

    def log(self):
        return (self.house.dir / "log").read_text()


def listening(address, family=socket.AF_INET):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    s.bind((address, 0))
    s.listen(16)
    return s


with House() as h:
    manager = Manager(h)
    first, second, stranger = listening("127.0.0.1"), listening("::1", socket.AF_INET6), listening("127.0.0.1")
    text = h.config.read_text()
    text = text.replace('role = "submission"\naddress = "127.0.0.1:0"', f'role = "submission"\naddress = "127.0.0.1:{first.getsockname()[1]}"')
    text = text.replace('role = "relay"\naddress = "127.0.0.1:0"', f'role = "relay"\naddress = "[0:0::1]:{second.getsockname()[1]}"')
    text = text.replace('networks = ["127.0.0.0/8"]', 'networks = ["127.0.0.0/8", "::1"]')
    h.config.write_text(text)

    # a client that comes before the daemon waits in the queue of the socket instead of being refused
    early = socket.create_connection(first.getsockname())
    manager.start([first, second, stranger], WATCHDOG_USEC="200000")
    assert "STATUS=serving" in manager.expect("READY=1")
    early.settimeout(30)
    assert early.recv(100).startswith(b"220 ")
    early.close()
    with smtplib.SMTP("::1", second.getsockname()[1]) as client:
        client.ehlo()
    # the socket that no listener has is closed: once our own copy is gone, nobody answers there
    port = stranger.getsockname()[1]
    stranger.close()
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", port)) != 0
    until("it is told", lambda: f'"listener.unused_socket"' in manager.log() and f"127.0.0.1 {port}" in manager.log())

    for _ in range(3):
        manager.expect("WATCHDOG=1")
    # a loop that stands still feeds nobody, and goes on when it can
    manager.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, manager.process.pid, os.WSTOPPED | os.WNOWAIT)
    manager.socket.setblocking(False)
    try:
        while True:
            manager.socket.recv(4096)
    except BlockingIOError:
        pass
    manager.socket.settimeout(1)
    try:
        raise AssertionError("fed while it stood still: " + manager.socket.recv(4096).decode())
    except TimeoutError:
        pass
    manager.socket.settimeout(30)
    manager.process.send_signal(signal.SIGCONT)
    manager.expect("WATCHDOG=1")

    # good or bad, a reload ends with READY: the old version serves on
    manager.process.send_signal(signal.SIGHUP)
    reloading = manager.expect("RELOADING=1")
    assert any(line.startswith("MONOTONIC_USEC=") and int(line[15:]) > 0 for line in reloading.split("\n")), reloading
    manager.expect("READY=1")
    h.config.write_text(text + "\nnonsense = 1\n")
    manager.process.send_signal(signal.SIGHUP)
    manager.expect("RELOADING=1")
    manager.expect("READY=1")
    h.config.write_text(text)

    manager.process.terminate()
    manager.expect("STOPPING=1")
    assert manager.process.wait(40) == 0
    # the socket is systemd's: it stays open, and whoever comes meanwhile waits for the next start
    waiting = socket.create_connection(first.getsockname())
    manager.start([first, second])
    manager.expect("READY=1")
    waiting.settimeout(30)
    assert waiting.recv(100).startswith(b"220 ")
    assert "WATCHDOG=1" not in manager.heard[-1]
    manager.process.terminate()
    assert manager.process.wait(40) == 0

    # sockets of another process are not ours
    h.config.write_text(text)
    first.close()
    second.close()
    third = listening("127.0.0.1")
    manager.start([third], PID="1")
    manager.expect("READY=1")
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", third.getsockname()[1])) == 0, "it keeps what it does not know"
    manager.process.terminate()
    assert manager.process.wait(40) == 0
