"""The HTTPS door against those who mean it harm: two lengths, bare newlines, endless headers, clients that drip, thousands that say
nothing. Each gets a clear answer or a closed connection; nothing is stored, and everybody else is served meanwhile."""
import resource
import socket
import ssl
import sys
import time

from api import Client, https_config, message, token_for
from house import House, until

IDLE = 10_000
CASES = (
    ("two kinds of length", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("two lengths", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
    ("a bare LF", b"GET /v1/openapi.json HTTP/1.1\nHost: a\r\n\r\n", 400),
    ("a folded line", b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
    ("two hosts", b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("a chunk too large for any number", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %TOKEN\r\nContent-Type: message/rfc822\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\n", 400),
    ("a header of 1 MiB", b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n", 431),
    ("two hundred fields", b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(200)) + b"\r\n", 431),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("two tokens", b"GET /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %TOKEN\r\nAuthorization: Bearer x\r\n\r\n", 400),
    ("SMTP", b"EHLO client.example\r\n\r\n", 400),
    ("a body that is announced too large", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %TOKEN\r\nContent-Type: message/rfc822\r\nContent-Length: 99999999999\r\n\r\n", 413),
    ("a request smuggled behind a refused one", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\nGET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n", 401),
)


def connect(h):
    context = ssl.create_default_context(cafile=str(h.pki.ca))
    return context.wrap_socket(socket.create_connection(("127.0.0.1", h.ports["https"]), 10), server_hostname="localhost")


def answers(sock):
    """Everything until the close."""
    data = b""
    sock.settimeout(20)
    try:
        while piece := sock.recv(65536):
            data += piece
    except (OSError, ssl.SSLError):
        pass
    return data


def forms(h, token):
    for name, sent, status in CASES:
        sock = connect(h)
        try:
            sock.sendall(sent.replace(b"%TOKEN", token.encode()))
        except OSError:
            pass  # refused before we were through
        got = answers(sock)
        assert got.startswith(b"HTTP/1.1 %d " % status), (name, got[:200])
        assert got.count(b"HTTP/1.1 ") == 1, (name, got)
        assert b"Connection: close" in got, name
        sock.close()


def in_line(h, token):
    """Requests one behind the other get their answers one behind the other, whatever the first was."""
    get = b"GET /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token.encode() + b"\r\n"
    last = get + b"Connection: close\r\n\r\n"
    for name, first, status in (("HEAD", b"HEAD /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n", 405), ("OPTIONS", b"OPTIONS /v1/messages HTTP/1.1\r\nHost: a\r\n\r\n", 405),
                                ("an upgrade", get + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200), ("no message", get.replace(b"GET", b"POST") + b"Content-Type: message/rfc822\r\n\r\n", 422)):
        sock = connect(h)
        sock.sendall(first + last)
        got = answers(sock)
        head, rest = got.split(b"\r\n\r\n", 1)
        length = 0 if name == "HEAD" else int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        assert head.startswith(b"HTTP/1.1 %d " % status) and rest[length:].startswith(b"HTTP/1.1 200 "), (name, got)
        sock.close()


def dripping(h, token):
    """A header and a body that come a byte at a time are cut off, whatever the time between two bytes."""
    began = time.monotonic()
    head = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token.encode() + b"\r\nContent-Type: message/rfc822\r\nContent-Length: 5000\r\n\r\n"
    slow_head, slow_tls = connect(h), socket.create_connection(("127.0.0.1", h.ports["https"]), 10)
    open_ones = {"head": slow_head, "handshake": slow_tls}
    at = 0
    while open_ones and time.monotonic() - began < 40:
        for name, sock in list(open_ones.items()):
            try:
                sock.settimeout(0.05)
                if name == "head":
                    sock.sendall(head[at % 40:at % 40 + 1])
                if not sock.recv(100):
                    del open_ones[name]
            except (TimeoutError, ssl.SSLWantReadError):
                pass
            except OSError:
                del open_ones[name]
        at += 1
    assert not open_ones, f"still open after 40 s: {list(open_ones)}"


def idle(h, token):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE, hard - 500)
    before = h.memory_peak()
    socks = []
    for n in range(count):
        socks.append(socket.create_connection(("127.0.0.1", h.ports["https"]), 10, source_address=(f"127.0.{n % 4 + 1}.9", 0)))
    client = h.client()
    client.sendmail("amt53@stadt.example", ["buerger@aussen.example"], "From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: dabei\r\n\r\nx\r\n")
    h.internet.wait(1)
    grown = (h.memory_peak() - before) / (1 << 20)
    for s in socks:
        s.close()
    until("there is room again", lambda: Client(h, token).ask("GET", "/v1/messages")[0] == 200)
    assert grown < 100, f"{count} idle connections took {grown} MiB"
    return count, grown


def main():
    with House(limits="sessions = 20000\nsessions_per_address = 5000", policy='[[rule]]\nname = "x"\nwhen = { direction = "outbound" }\nthen = { otherwise = "clear", transport = "any" }\n') as h:
        h.extra = https_config(h).replace('address = "127.0.0.1:0"', 'address = "0.0.0.0:0"')
        h.write_config()
        h.add_account()
        h.start()
        token = token_for(h)["token"]
        forms(h, token)
        in_line(h, token)
        dripping(h, token)
        assert h.json("status")["queue"]["messages"] == 0 and not h.internet.messages
        count, grown = idle(h, token)
        assert Client(h, token).json("POST", "/v1/messages", message())[0] == 202
        assert h.stop() == 0
        h.fsck()
    print(f"https_hostile: {len(CASES)} forms refused, dripping cut off, {count} idle connections took {grown:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
