"""The year turns while a message is in flight, and the clock steps back: chains and balances hold, by our verifier and by Go's.

The daemon's clock is moved by libfaketime (Debian package faketime), which lets a file say the offset; its deadlines go by the steady
clock, which stays as it is.
"""
import datetime
import glob
import pathlib
import shutil
import threading
import time

from house import BINARY, House, run, until


class Gate(dict):
    """Answers that wait, once the message has arrived, until the gate opens."""

    def __init__(self):
        super().__init__()
        self.arrived, self.open = threading.Event(), threading.Event()

    def get(self, key, default=None):
        if key == "data":
            self.arrived.set()
            self.open.wait(60)
        return super().get(key, default)


def set_clock(h, moment):
    offset = round(moment.timestamp() - time.time())
    new = h.dir / "clock.new"
    new.write_text(f"{offset:+d}s\n")
    new.rename(h.dir / "clock")


def receipt(reply):
    return reply.split(" Ok ")[1].split()[0]


library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0]
year = datetime.datetime.now(datetime.timezone.utc).year
new_year = datetime.datetime(year + 1, 1, 1, tzinfo=datetime.timezone.utc)

with House() as h:
    h.environment = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(h.dir / "clock"), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
    set_clock(h, new_year - datetime.timedelta(minutes=5))
    h.start()
    h.submit(["vorher@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(1)
    h.internet.answers = gate = Gate()
    mid = receipt(h.submit(["flug@aussen.example"], sender="bauamt@stadt.example", role="relay"))
    assert gate.arrived.wait(30)
    set_clock(h, new_year + datetime.timedelta(minutes=2))
    gate.open.set()
    h.internet.wait(2)
    until("the message is closed in the new year", lambda: any(leaf["mid"] == mid for leaf in h.leaves("msg.closed")))
    shown = h.json("receipts", "show", mid)
    assert "handed_over" in shown["states"], shown

    set_clock(h, new_year - datetime.timedelta(minutes=1))  # a step back, over the turn of the year
    h.submit(["nachher@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(3)
    until("the step is told", lambda: h.leaves("sys.clock"))
    assert 100_000 < h.leaves("sys.clock")[0]["facts"]["ms"] < 200_000, h.leaves("sys.clock")
    h.cli("receipts", "prove", mid, "--output", h.dir / "proof")
    assert h.stop() == 0

    names = [name for name, _ in h.epochs()]
    assert names == [str(year), str(year + 1)], names
    chain = [leaf for leaf in h.leaves() if leaf.get("mid") == mid]
    crossing = [leaf for leaf in chain if ":" in leaf.get("prev", "")]
    assert len(crossing) == 1 and crossing[0]["prev"].startswith(f"{year}:"), chain
    opened = h.leaves("log.open")
    assert len(opened) == 2 and opened[1]["facts"]["prev_epoch"] == str(year) and opened[1]["facts"]["open"] == 1, opened
    closed = h.leaves("log.close")
    assert len(closed) == 1 and closed[0]["facts"]["open"] == 1, closed

    # one key, of either year, serves for all epochs
    for _, vkey in h.epochs():
        r = run(BINARY, "receipts", "fsck", h.dir / "state" / "log", "--vkey", vkey, check=False)
        assert r.returncode == 0, r.stdout.decode()
        file = h.dir / "proof" / f"{mid}.receipts.json"
        r = run(BINARY, "receipts", "verify", file, "--vkey", vkey, check=False)
        assert r.returncode == 0, r.stdout.decode()
        script = pathlib.Path(__file__).resolve().parents[2] / "tools" / "verify-receipt.sh"
        r = run("sh", script, file, vkey, check=False)
        assert r.returncode == 0 and b"all good" in r.stdout, r.stdout.decode()
    foreign = h.foreign_fsck()
    assert foreign.returncode == 0 and foreign.stdout.count(b"good:") == 2, foreign.stdout

    # one word changed in the older year: both verifiers must see it
    log = h.dir / "state" / "log"
    shutil.copytree(log / names[0], h.dir / "whole")
    for bundle in (log / names[0] / "tile" / "entries").rglob("*"):
        if bundle.is_file():
            data = bundle.read_bytes()
            bundle.write_bytes(data.replace(b'"ev":"msg.closed"', b'"ev":"msg.cancel"'))
    assert h.foreign_fsck().returncode == 1
    assert run(BINARY, "receipts", "fsck", log, "--vkey", h.vkey(), check=False).returncode == 1
    shutil.rmtree(log / names[0])
    shutil.move(h.dir / "whole", log / names[0])
    assert h.foreign_fsck().returncode == 0
print("epochs: good")
