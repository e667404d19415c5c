"""Destinations that take connections and then say nothing hold up their own mail and nobody else's: fresh mail for others, mail that
waits in the queue, and the other recipients of the same message all leave at once. What waited arrives once they answer again."""
import socket

from house import House, Sink, until

SILENT, EACH = ("eins", "zwei", "drei", "vier", "fuenf", "sechs"), 80
ROUTE = """
[[route]]
name = "{name}"
to = ["{name}.example"]
smtp = "127.0.0.1:{port}"
transport = "any"
"""
POLICY = """
[[rule]]
name = "Erlaubt"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any" }
"""


def silent():
    """Connections are taken by the kernel; nobody ever reads them or greets."""
    return socket.create_server(("127.0.0.1", 0), backlog=1000)


def main():
    doors = {name: silent() for name in SILENT}
    with House(policy=POLICY, retry='first = "1s"\nmost = "2s"') as h:
        text = h.config.read_text()
        at = text.index('[[route]]\nname = "internet"')
        h.config.write_text(text[:at] + "".join(ROUTE.format(name=name, port=door.getsockname()[1]) for name, door in doors.items()) + text[at:])
        h.start()
        for name in SILENT:  # one after the other: the first ones take all places but for their last share
            for n in range(EACH):
                h.submit([f"p{n}@{name}.example"], sender="bauamt@stadt.example", role="relay")
        assert h.json("status")["queue"]["messages"] == EACH * len(SILENT)

        h.submit(["frisch@aussen.example"], sender="bauamt@stadt.example", role="relay")
        h.internet.wait(1)
        # several recipients of one message, in whatever order they are taken up: more silent ones than are tried at once
        h.submit([f"q{n}@{name}.example" for n in range(2) for name in SILENT] + ["auch@aussen.example"], sender="bauamt@stadt.example", role="relay")
        h.internet.wait(2)
        # what waits in the store, behind all of these
        h.stop()
        h.start()
        until("it is at work again", lambda: any(r["state"] == "in_flight" for m in h.json("queue", "list")["messages"] for r in m["recipients"]))
        h.submit(["spaeter@aussen.example"], sender="bauamt@stadt.example", role="relay")
        h.internet.wait(3)
        assert [m["to"] for m in h.internet.messages] == [["frisch@aussen.example"], ["auch@aussen.example"], ["spaeter@aussen.example"]]

        sinks = []
        for name, door in doors.items():
            port = door.getsockname()[1]
            door.close()
            sinks.append(Sink(address=("127.0.0.1", port)))
        for sink in sinks:
            until("what waited arrives", lambda: len({to for m in sink.messages for to in m["to"]}) == EACH + 2, 120)
        until("the queue is empty", lambda: h.json("status")["queue"]["messages"] == 0)
        assert h.stop() == 0
        h.fsck()
    print(f"slow_destination: {EACH * len(SILENT)} waited, others did not")


if __name__ == "__main__":
    main()
