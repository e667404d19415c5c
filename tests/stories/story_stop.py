"""A stop says goodbye: whoever is connected, idle or in the middle of a message, in clear or over TLS, hears 421 4.3.2 and keeps his mail;
what waits for a free connection is not begun any more."""
import socket
import ssl
import time

from house import PATIENCE, House, until


def reply(f):
    """One reply, whole; "" at the end."""
    while True:
        line = f.readline().decode()
        if line[3:4] != "-":
            return line


def connect(h, role, tls):
    conn = socket.create_connection(("127.0.0.1", h.ports[role]), PATIENCE)
    f = conn.makefile("rb")
    assert reply(f).startswith("220 ")
    if tls:
        conn.sendall(b"EHLO client.example\r\nSTARTTLS\r\n")
        assert reply(f).startswith("250 ") and reply(f).startswith("220 ")
        context = ssl.create_default_context(cafile=str(h.pki.ca))
        conn = context.wrap_socket(conn, server_hostname="localhost")
        f = conn.makefile("rb")
    conn.sendall(b"EHLO client.example\r\n")
    assert reply(f).startswith("250 ")
    return conn, f


def begin_message(conn, f):
    conn.sendall(b"MAIL FROM:<praxis@aerzte.example>\r\nRCPT TO:<amt53@stadt.example>\r\nDATA\r\n")
    assert [reply(f)[:3] for _ in range(3)] == ["250", "250", "354"]
    conn.sendall(b"From: praxis@aerzte.example\r\nSubject: halb\r\n\r\n" + b"Zeile\r\n" * 2000)


with House() as h:
    h.start()
    h.add_account()
    clients = [connect(h, "mx", tls) for tls in (False, True, False, True)]
    for client in clients[:2]:
        begin_message(*client)
    before = time.monotonic()
    h.process.terminate()
    for number, (conn, f) in enumerate(clients):
        last = reply(f)
        assert last.startswith("421 4.3.2 "), (number, last)
        assert reply(f) == "", "and then the end"
        conn.close()
    assert h.stop() == 0
    assert time.monotonic() - before < 15, "nobody was slow, and still it took long"
    assert h.query("SELECT count(*) FROM message")[0][0] == 0
    assert h.leaves("msg.accept") == []

    # a client that does not listen does not hold the stop up
    h.start()
    conn, f = connect(h, "mx", False)
    begin_message(conn, f)
    assert h.stop() == 0
    conn.close()
print("stop: good")
