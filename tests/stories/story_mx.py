"""MX routes against a real name server (unbound): order, equals, implicit MX, null MX, certain and uncertain failures, loops, forged answers."""
import email
import socket
import subprocess
import threading

from house import House, Sink, run, until

POLICY = """
[[rule]]
name = "ueber MX"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any", route = "welt" }
"""

ROUTE = """
[dns]
forwarders = ["127.0.0.1:{dns}"]
trust_anchor = "{anchor}"
timeout = "2s"

[[route]]
name = "welt"
to = "*"
smtp = "mx"
transport = "any"
trial_port = {port}
"""

# what DNSSEC must find here cannot be there: the zone is served unsigned
ANCHOR = "gefaelscht.example. IN DS 12345 13 2 " + "ab" * 32 + "\n"

ZONE = """
reihe.example. MX 20 gut.hosts.example.
reihe.example. MX 10 tot.hosts.example.
reihe.example. MX 15 namenlos.hosts.example.
gleich.example. MX 10 tot.hosts.example.
gleich.example. MX 10 gut.hosts.example.
sechs.example. MX 10 sechs.hosts.example.
implizit.example. A 127.0.0.1
nichts.example. TXT "weder MX noch Adresse"
null.example. MX 0 .
wir.example. MX 10 gw.stadt.example.
wir.example. MX 20 gut.hosts.example.
davor.example. MX 5 gut.hosts.example.
davor.example. MX 10 gw.stadt.example.
gw.stadt.example. A 127.0.0.2
gefaelscht.example. MX 10 gut.hosts.example.
tot.hosts.example. A 127.0.0.2
gut.hosts.example. A 127.0.0.1
sechs.hosts.example. AAAA ::1
"""


def free_port():
    """A port that is free for UDP and TCP; unbound wants to be told."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, socket.socket() as t:
            u.bind(("127.0.0.1", 0))
            try:
                t.bind(u.getsockname())
            except OSError:
                continue
            return u.getsockname()[1]


def broken_server():
    """Answers every question with SERVFAIL."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))

    def serve():
        while True:
            question, peer = s.recvfrom(4096)
            s.sendto(question[:2] + b"\x81\x82" + question[4:6] + b"\0" * 6 + question[12:], peer)

    threading.Thread(target=serve, daemon=True).start()
    return s


def start_unbound(directory, broken, silent):
    while True:
        port = free_port()
        data = "\n".join(f"  local-data: '{line}'" for line in ZONE.strip().splitlines())
        (directory / "unbound.conf").write_text(f"""
server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{directory}"
  pidfile: ""
  use-syslog: no
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "example." static
  local-zone: "kaputt.example." transparent
  local-zone: "stumm.example." transparent
{data}
forward-zone:
  name: "kaputt.example."
  forward-addr: 127.0.0.1@{broken.getsockname()[1]}
forward-zone:
  name: "stumm.example."
  forward-addr: 127.0.0.1@{silent.getsockname()[1]}
remote-control:
  control-enable: no
""")
        process = subprocess.Popen(["unbound", "-d", "-c", str(directory / "unbound.conf")], stderr=subprocess.DEVNULL)

        def answers():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.2)
                s.sendto(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04null\x07example\0\0\x0f\0\x01", ("127.0.0.1", port))
                try:
                    return s.recv(512)
                except OSError:
                    return None

        until("unbound answers or ends", lambda: process.poll() is not None or answers())
        if process.poll() is None:
            return process, port


def main():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))  # takes questions and never answers
    with House(policy=POLICY) as h:
        port = h.internet.port
        six = Sink(address=("::1", port))
        unbound, dns = start_unbound(h.dir, broken_server(), silent)
        try:
            (h.dir / "anchor").write_text(ANCHOR)
            h.extra = ROUTE.format(dns=dns, port=port, anchor=h.dir / "anchor")
            h.write_config()
            story(h, six)
            # without the trial, an address of this machine is never a host of somebody's mail
            h.extra = h.extra.replace(f"trial_port = {port}\n", "")
            h.write_config()
            h.start()
            assert fails(h, "implizit.example", "fest") == "5.4.6"
            assert h.stop() == 0
        finally:
            unbound.terminate()
            unbound.wait()
            six.close()


def send(h, domain):
    return h.submit([f"b@{domain}"], sender="bauamt@stadt.example", role="relay", subject=domain).split()[2]


def fails(h, domain, name=""):
    """A certain no: the sender hears at once; gives the status."""
    before = len(h.mailboxes.messages)
    send(h, domain)
    report = email.message_from_bytes(h.mailboxes.wait(before + 1)[before]["data"])
    status = report.get_payload()[1].as_string()
    assert f"b@{domain}" in status and "Action: failed" in status, status
    return status.split("Status: ")[1].split()[0]


def waits(h, domain):
    """Nobody knows: the message stays; gives what the administrator reads."""
    mid = send(h, domain)
    told = until("an attempt on " + domain, lambda: h.json("queue", "show", mid)["recipients"][0]["last_error"])
    shown = h.json("queue", "show", mid)["recipients"][0]
    assert shown["state"] == "due" and shown["attempts"] == 1, shown
    return told


def story(h, six):
    h.start()
    # the first host is down, the second has no address: the third takes it
    send(h, "reihe.example")
    assert h.internet.wait(1)[0]["to"] == ["b@reihe.example"]
    send(h, "implizit.example")
    assert h.internet.wait(2)[1]["to"] == ["b@implizit.example"]
    # of two equals either may come first; a dead one never costs the message
    for n in range(6):
        send(h, "gleich.example")
        assert h.internet.wait(3 + n)[2 + n]["to"] == ["b@gleich.example"]
    send(h, "sechs.example")
    assert six.wait(1)[0]["to"] == ["b@sechs.example"]
    # hosts before ourselves are used, ourselves and those behind never
    send(h, "davor.example")
    assert h.internet.wait(9)[8]["to"] == ["b@davor.example"]

    assert fails(h, "wir.example") == "5.4.6"
    assert fails(h, "null.example") == "5.1.10"
    assert fails(h, "gibtsnicht.example") == "5.1.2"
    assert fails(h, "nichts.example") == "5.4.4"

    reports = len(h.mailboxes.messages)
    assert "rcode 2" in waits(h, "kaputt.example")
    assert "deadline" in waits(h, "stumm.example")
    assert "bogus" in waits(h, "gefaelscht.example")
    assert len(h.mailboxes.messages) == reports and len(h.internet.messages) == 9 and len(six.messages) == 1
    for entry in h.json("queue", "list")["messages"]:
        h.cli("queue", "cancel", entry["mid"], "--reason", "Ende der Probe")
    code = h.stop()
    assert code == 0, f"ended with {code}"


if __name__ == "__main__":
    main()
    print("mx: good")
