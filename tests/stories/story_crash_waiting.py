"""Never lost, and never called uncertain without need: what only waited for a free connection when the gateway died was not tried, and
nothing in the log says that it was. The same at a stop."""
import signal
import socket

from faults import check_doubles, check_log
from house import House, Sink, until

WAITING = 30
CONNECTIONS = 3
BEGUN = 2 * CONNECTIONS  # one under way on each, one that comes next


def count(h, event):
    return len(h.leaves(event))


with House(retry=f"connections = {CONNECTIONS}") as h:
    # a server that takes connections and never says a word
    port = h.internet.port
    h.internet.close()
    silent = socket.create_server(("127.0.0.1", port), backlog=64)
    h.start()
    h.add_account(addresses=("bauamt@stadt.example",))
    for number in range(WAITING):
        h.submit(["jemand@aussen.example"], sender="bauamt@stadt.example", subject=f"Nummer {number}")
    until("the first attempts", lambda: count(h, "relay.attempt") == BEGUN)
    h.process.send_signal(signal.SIGKILL)
    h.process.wait()
    h.process = None
    assert count(h, "relay.attempt") == BEGUN, count(h, "relay.attempt")

    # what a death in the middle of a file leaves is swept at the start
    half = h.checkpoint().parent / "tile" / "0" / "000.tmp-0123456789ab"
    half.parent.mkdir(parents=True, exist_ok=True)
    half.write_bytes(b"half")

    silent.close()
    h.internet = Sink(tls=h.pki.server("mx.aussen.example"), address=("127.0.0.1", port))
    h.start()
    assert not half.exists()
    h.internet.wait(WAITING)
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
    assert count(h, "relay.unknown") == BEGUN, count(h, "relay.unknown")
    assert len(h.internet.messages) == WAITING
    doubles, _ = check_doubles(h)
    assert doubles == 0
    assert h.stop() == 0
    check_log(h)
print("crash_waiting: good")
