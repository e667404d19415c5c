"""Every dialogue of tests/data/dialogues against the real binary, whole and cut off after its steps; the daemon answers on."""
import concurrent.futures
import fnmatch
import pathlib
import re
import select
import socket
import ssl

from house import PATIENCE, House, until

DIALOGUES = pathlib.Path(__file__).resolve().parent.parent / "data" / "dialogues"
LONG, STRIDE = 100, 97  # of dialogues with more steps every 97th cut is tried

ESCAPES = {"r": b"\r", "n": b"\n", "0": b"\0", "\\": b"\\"}


def unescape(text):
    def one(match):
        word = match.group(1)
        return bytes.fromhex(word[1:]) if word[0] == "x" else ESCAPES[word]

    out, last = b"", 0
    for match in re.finditer(r"\\(x[0-9a-fA-F]{2}|.)", text):
        out += text[last:match.start()].encode() + one(match)
        last = match.end()
    return out + text[last:].encode()


def load(path):
    """The role and the steps: ("C", bytes), ("S", pattern), ("T", ""), ("X", "")."""
    import base64

    role, steps = "", []
    for line in path.read_text().splitlines():
        if line.startswith("role: "):
            role = line[6:]
            continue
        kind, text = line[0], line[3:]
        if kind == "C":
            steps.append(("C", text.encode() + b"\r\n"))
        elif kind == "B":
            steps.append(("C", base64.b64encode(text.encode()) + b"\r\n"))
        elif kind == "R":
            steps.append(("C", unescape(text)))
        elif kind == "N":
            count, what = text.split(" ", 1)
            steps.append(("C", what.encode() * int(count)))
        else:
            assert kind in "STX", line
            steps.append((kind, text))
    return role, steps


class Peer:
    """The client's side of one connection. Reads while it writes, so that a server that answers each line never blocks."""

    def __init__(self, port, context):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.context, self.got, self.ended, self.accepted = context, b"", False, 0

    def send(self, data):
        if isinstance(self.sock, ssl.SSLSocket):
            return self.sock.sendall(data)
        view = memoryview(data)
        while view and not self.ended:
            readable, writable, _ = select.select([self.sock], [self.sock], [], PATIENCE)
            assert readable or writable, "the server takes nothing"
            if readable:
                self.read()
            elif writable:
                try:
                    view = view[self.sock.send(view):]
                except (BrokenPipeError, ConnectionResetError):
                    return None  # closed on us; what it said may still be read
        return None

    def read(self):
        try:
            piece = self.sock.recv(65536)
        except ConnectionResetError:
            piece = b""
        self.ended = not piece
        self.got += piece

    def line(self):
        while b"\r\n" not in self.got:
            assert not self.ended, f"closed, after {self.got!r}"
            self.read()
        line, self.got = self.got.split(b"\r\n", 1)
        return line.decode()

    def expect(self, pattern):
        joined = []
        while True:
            line = self.line()
            joined.append(line[4:])
            if line[3:4] != "-":
                break
        reply = line[:3] + " " + " ".join(joined)
        assert fnmatch.fnmatchcase(reply, pattern), f"got {reply}, expected {pattern}"
        self.accepted += reply.startswith("250 2.0.0 ") and "receipt=" in reply

    def start_tls(self):
        assert not self.got, f"bytes before the handshake: {self.got!r}"
        self.sock = self.context.wrap_socket(self.sock, server_hostname="localhost")

    def expect_end(self):
        while not self.ended:
            self.read()
        assert not self.got, f"more than the script says: {self.got!r}"


def play(house, context, role, steps):
    """Runs the steps, then hangs up; gives how many messages were acknowledged."""
    peer = Peer(house.ports[role], context)
    try:
        pending = b""
        for kind, text in steps:
            if kind == "C":
                pending += text
                continue
            peer.send(pending)
            pending = b""
            if kind == "S":
                peer.expect(text)
            elif kind == "T":
                peer.start_tls()
            else:
                peer.expect_end()
        peer.send(pending)
        return peer.accepted
    finally:
        peer.sock.close()


def play_file(house, context, path):
    role, steps = load(path)
    assert steps[0][0] == "S", path
    acknowledged = 0
    try:
        acknowledged += play(house, context, role, steps)
        for count in range(1, len(steps), STRIDE if len(steps) > LONG else 1):
            acknowledged += play(house, context, role, steps[:count])
            play(house, context, role, [("S", "220 *")])
    except (AssertionError, OSError) as e:
        raise AssertionError(f"{path.name}: {e}") from e
    return acknowledged


def main():
    paths = sorted(DIALOGUES.glob("*.txt"))
    assert len(paths) > 20
    with House(limits="sessions_per_address = 2000") as h:
        h.start()
        h.add_account()
        context = ssl.create_default_context(cafile=str(h.pki.ca))
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            acknowledged = sum(pool.map(lambda path: play_file(h, context, path), paths))
        assert acknowledged > 20, "too few of the dialogues end in a message"
        until("every acknowledged message in its mailbox", lambda: len(h.mailboxes.messages) >= acknowledged)
        h.submit(["kollegin@stadt.example"], text="danach")
        until("mail after the storm", lambda: any(b"danach" in m["data"] for m in h.mailboxes.messages))
        assert h.stop() == 0
        print(f"{len(paths)} dialogues, {acknowledged} messages acknowledged and delivered")


if __name__ == "__main__":
    main()
