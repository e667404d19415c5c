"""Behind HAProxy, with the configurations of docs/beside/haproxy.md: the client that the PROXY header names is the peer for networks, limits,
log and trace; its health check is taken; without a header, with a bad one or from elsewhere the door stays shut."""
import socket
import ssl

from api import Client, token_for
from house import PATIENCE, House, until
from neighbours import HaProxy, Page, free_port, needs

needs("haproxy")
PAGE = Page("haproxy.md")
SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")
KNOWN, STRANGER = "127.0.0.5", "127.0.0.6"


def header(source, command=0x21, family=0x11, rest=b""):
    body = socket.inet_aton(source) + socket.inet_aton("127.0.0.1") + (40000).to_bytes(2, "big") + (25).to_bytes(2, "big") + rest
    return SIGNATURE + bytes([command, family]) + len(body).to_bytes(2, "big") + body


def connect(port, source="127.0.0.1", first=b""):
    conn = socket.create_connection(("127.0.0.1", port), PATIENCE, source_address=(source, 0))
    if first:
        conn.sendall(first)
    return conn, conn.makefile("rb")


def reply(f):
    while True:
        line = f.readline().decode()
        if line[3:4] != "-":
            return line


def lines_of(f):
    """What the server says until it closes."""
    out = []
    try:
        for line in f:
            out.append(line.decode())
    except ConnectionResetError:
        pass
    return out


def relay_message(h, port, source):
    """By the relay listener over TLS; what became of it as the last reply."""
    conn, f = connect(port, source)
    greeting = reply(f)
    if not greeting.startswith("220"):
        return greeting
    conn.sendall(b"EHLO mail.stadt.example\r\nSTARTTLS\r\n")
    assert reply(f).startswith("250") and reply(f).startswith("220")
    context = ssl.create_default_context(cafile=str(h.pki.ca))
    conn = context.wrap_socket(conn, server_hostname="localhost")
    f = conn.makefile("rb")
    conn.sendall(b"EHLO mail.stadt.example\r\nMAIL FROM:<bauamt@stadt.example>\r\n")
    reply(f)
    answer = reply(f)
    if answer.startswith("250"):
        conn.sendall(b"RCPT TO:<x@aussen.example>\r\nDATA\r\n")
        assert reply(f).startswith("250") and reply(f).startswith("354")
        conn.sendall(b"From: bauamt@stadt.example\r\nTo: x@aussen.example\r\nSubject: durch den Verteiler\r\n\r\nText\r\n.\r\n")
        answer = reply(f)
    conn.close()
    return answer


def from_the_proxy(h, ports):
    # the relay's network is asked about the client, not about the balancer
    assert relay_message(h, ports["relay"], KNOWN).startswith("250"), "the mail server, through the balancer"
    data = h.internet.wait(1)[0]["data"]
    assert f"[{KNOWN}]".encode() in data, data
    answer = relay_message(h, ports["relay"], STRANGER)
    assert not answer.startswith("2"), answer
    until("the refusal with the stranger's address in the log", lambda: any(STRANGER in e for e in list(h.events)))
    assert relay_message(h, ports["relay"], "127.0.0.1")[0] != "2", "nor the balancer's own machine"

    # the limit of one address is each client's own
    open_ones = [connect(ports["mx"], "127.0.0.7") for _ in range(3)]
    assert sorted(reply(f)[:3] for _, f in open_ones) == ["220", "220", "421"]
    conn, f = connect(ports["mx"], STRANGER)
    assert reply(f).startswith("220")
    for c, _ in open_ones + [(conn, f)]:
        c.close()

    # the API, with TLS from the first byte behind the header
    token = token_for(h, "amt53")["token"]
    h.ports["https"] = ports["https"]
    client = Client(h, token)
    status, _, _ = client.json("GET", "/v1/messages")
    assert status == 200, status


def straight(h, direct):
    """Past the balancer: from its network without it, and from elsewhere with a header."""
    for first in (b"EHLO x\r\n" * 3, b"PROXY TCP4 127.0.0.5 127.0.0.1 4 25\r\n", header(KNOWN, family=0x31), header(KNOWN, command=0x22),
                  header(KNOWN, rest=b"\x04\x00\xff"), header(KNOWN)[:15] + b"\xff" + header(KNOWN)[16:20] * 100):
        conn, f = connect(direct["mx"], first=first)
        said = lines_of(f)
        assert said == [], (first, said)
        conn.close()
    until("each to be named in the log", lambda: sum('"listener.proxy_refused"' in e for e in list(h.events)) == 6)
    # LOCAL: the balancer itself; TLVs are skipped
    for first in (SIGNATURE + b"\x20\x00\x00\x00", header(KNOWN, rest=b"\x04\x00\x03abc\x02\x00\x00")):
        conn, f = connect(direct["mx"], first=first)
        assert reply(f).startswith("220")
        conn.close()
    # slow: the header is not there in time
    conn, f = connect(direct["mx"], first=header(KNOWN)[:10])
    assert lines_of(f) == []
    # from elsewhere a header is garbage, and the peer is who he is
    conn, f = connect(direct["mx"], source=STRANGER, first=header(KNOWN) + b"EHLO x\r\n")
    said = "".join(lines_of(f))
    assert said.startswith("220 ") and "521 " in said and "250" not in said, said


with House(limits="sessions_per_address = 2") as h:
    text = h.config.read_text()
    start, end = text.index('[[listener]]\nrole = "relay"'), text.index("[[domain]]")
    direct = {role: free_port() for role in ("mx", "relay", "https")}
    own = {f"10.1.2.3:{port}": f"127.0.0.1:{direct[role]}" for port, role in ((10025, "mx"), (10026, "relay"), (10443, "https"))}
    h.config.write_text(text[:start] + PAGE.block("amtsbote.toml", {**own, "10.1.2.24/32": "127.0.0.1/32", "10.1.2.5/32": KNOWN + "/32"}) + text[end:])
    h.start()
    h.add_account(addresses=("amt53@stadt.example", "bauamt@stadt.example"))
    ports = {role: free_port() for role in ("mx", "relay", "https")}
    conf = PAGE.block("haproxy.cfg", {**own, "192.0.2.25:25": f"127.0.0.1:{ports['mx']}", "10.1.2.25:25": f"127.0.0.1:{ports['relay']}",
                                      "10.1.2.25:443": f"127.0.0.1:{ports['https']}"})
    with HaProxy(h.dir, f"global\n  log {h.dir}/nowhere local0\n" + conf, *ports.values()) as proxy:
        from_the_proxy(h, ports)
        # the health check begins with LOCAL; had it been refused, the server would be down by now
        assert "is DOWN" not in proxy.output.read_text(errors="replace")
        straight(h, direct)
    assert h.stop() == 0
    PAGE.check_all_used()
print("haproxy: good")
