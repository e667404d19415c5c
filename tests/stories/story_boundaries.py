"""Never lost: the daemon dies before and after every durable call of a message's way, or the power goes there; each time it
starts again, what was acknowledged is delivered or in the queue, a message is twice only where the log calls an attempt of
that very message unknown, and the log is whole as it lies."""
import datetime
import signal
import sys
import threading
import time

from faults import Fault, arrived, check_doubles, check_log, mid_of_reply, needs_shim, offer
from house import BINARY, House, run, until

SMALL, LARGE = 300, 400_000     # in the row; above 128 KiB in a spool file
YEAR = datetime.datetime.now(datetime.timezone.utc).year  # the epoch of the log that is written
WAL, DATABASE = "store.sqlite-wal", "store.sqlite$"
DEATHS = ("kill-before", "kill-after", "cut-before", "cut-after")
PATIENCE = 15.0


def cases():
    """(boundary, size of the messages, clients, call, path, numbers of the call, ways to die)"""
    for size in (SMALL, LARGE):
        for n, boundary in enumerate(("accept", "attempt", "settle"), 1):
            yield boundary, size, 1, "fdatasync", WAL, (n,), DEATHS
        yield "within a commit", size, 1, "pwrite", WAL, (1, 2, 6), ("kill-before", "cut-after")
    yield "spool file: made", LARGE, 1, "open", "/spool/", (1,), ("kill-before", "kill-after")
    yield "spool file: written", LARGE, 1, "write", "/spool/", (1, 4), ("kill-before", "cut-after")
    yield "spool file: synced", LARGE, 1, "fdatasync", "/spool/", (1,), DEATHS
    yield "spool file: its name", LARGE, 1, "fsync", "/state/spool", (1,), DEATHS
    for part in ("tile/entries", "tile/0", "/checkpoint"):
        yield part, SMALL, 1, "open", part, (1,), ("kill-after",)
        yield part, SMALL, 1, "fsync", part, (1,), ("cut-before", "kill-after")
        yield part, SMALL, 1, "rename", part, (1,), ("kill-before", "cut-after")
    yield "checkpoint: its name", SMALL, 1, "fsync", f"/state/log/{YEAR}$", (1,), ("cut-before", "cut-after")
    yield "many at once", SMALL, 6, "fdatasync", WAL, (9, 31, 64), ("cut-before", "kill-after")
    yield "many at once", LARGE, 4, "fdatasync", WAL, (7, 19), ("cut-before", "kill-after")
    yield "many spool files", LARGE, 4, "fdatasync", "/spool/", (6,), ("cut-before", "kill-after")
    yield "database, at stop", SMALL, 0, "pwrite", DATABASE, (1, 3), ("kill-before", "cut-after")
    yield "database, at stop", SMALL, 0, "fdatasync", DATABASE, (1,), ("kill-before", "kill-after")


def all_cases():
    return [(b, size, clients, call, path, n, death) for b, size, clients, call, path, numbers, deaths in cases() for n in numbers for death in deaths]


class Case:
    def __init__(self, number, boundary, size, clients, call, path, at, death):
        self.number, self.boundary, self.size, self.clients = number, boundary, size, clients
        self.what = (call, path, at, death)
        self.acknowledged, self.lock = [], threading.Lock()

    def start(self, h):
        self.fault = Fault(h, *self.what)
        h.start(**self.fault.environment)

    def send(self, h, worker):
        n = 0
        while h.process.poll() is None:
            n += 1
            code, text = offer(h, f"c{self.number}w{worker}n{n}", self.size)
            if code == 250:
                with self.lock:
                    self.acknowledged.append(mid_of_reply(text))
            if self.clients <= 1:
                return

    def die(self, h):
        """Loads the daemon until the fault has ended it."""
        if self.clients == 0:
            self.send(h, 0)
            self.fault.arm()
            h.process.send_signal(signal.SIGTERM)
        else:
            self.fault.arm()
            workers = [threading.Thread(target=self.send, args=(h, w), daemon=True) for w in range(self.clients)]
            for w in workers:
                w.start()
            for w in workers:
                w.join(PATIENCE)
        code = h.process.wait(PATIENCE)
        assert code == -signal.SIGKILL and len(self.fault.happened()) == 1, (self.boundary, self.what, code, self.fault.happened())
        h.process = None
        # tiles and checkpoint are derived, and still each moment's files are a whole log
        if h.checkpoint().exists():
            r = run(BINARY, "receipts", "fsck", h.dir / "state" / "log", "--vkey", h.vkey(), check=False)
            assert r.returncode == 0, (self.boundary, self.what, r.stdout.decode())

    def check(self, h):
        """In the house that runs again: nothing acknowledged is gone."""
        visible = {m["mid"] for m in h.json("queue", "list")["messages"]}
        there = set(arrived(h.internet))
        lost = [mid for mid in self.acknowledged if mid not in visible | there]
        assert not lost, f"{self.boundary} {self.what}: acknowledged, and neither delivered nor in the queue: {lost}"
        until("what was acknowledged arrives", lambda: set(self.acknowledged) <= set(arrived(h.internet)), PATIENCE)
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0, PATIENCE)
        # a file goes right after the commit that forgets it
        until(f"an empty spool after {self.boundary} {self.what}", lambda: not list((h.dir / "state" / "spool").iterdir()), PATIENCE)
        doubles, unknown = check_doubles(h)
        call, path, at, death = self.what
        print(f"{self.boundary:22} {'large' if self.size == LARGE else 'small'} {call:>9} {path:17} {at:3} {death:12}"
              f" acknowledged {len(self.acknowledged):3}   doubles so far {doubles:2} of {unknown:2} unknown")


def main():
    needs_shim()
    began = time.monotonic()
    todo = all_cases()
    with House(retry='first = "1s"\nmost = "10s"') as h:
        before = None
        for number, row in enumerate(todo):
            case = Case(number, *row)
            case.start(h)
            if before is None:
                until("the first checkpoint", h.checkpoint().exists)
            else:
                before.check(h)
            case.die(h)
            before = case
        h.start()
        before.check(h)
        doubles, unknown = check_doubles(h)
        assert unknown > 0, "no death left an attempt uncertain: the boundaries are not where this story thinks"
        assert h.stop() == 0
        check_log(h)
    print(f"boundaries: {len(todo)} deaths in {time.monotonic() - began:.0f} s, nothing lost, {doubles} doubles, {unknown} uncertain attempts")


if __name__ == "__main__":
    sys.exit(main())
