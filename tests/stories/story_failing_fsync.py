"""Never lost: what a failed write or sync of the disk left behind nobody can say, so the daemon acknowledges nothing more,
says why and stops with exit code 1; started again, it delivers everything it had acknowledged. No room is different: it is
temporary, and the daemon goes on."""
import datetime
import json
import sys
import threading

from faults import Fault, arrived, check_doubles, check_log, end_of, mid_of_reply, needs_shim, offer
from house import House, until

SMALL, LARGE, FULL_ROW = 300, 400_000, 120_000
WAL = "store.sqlite-wal"
YEAR = datetime.datetime.now(datetime.timezone.utc).year  # the epoch that is written

# (where, size, call, path, number of the call, error, may the client have a 250, what the log line must name)
STOPS = (
    ("accept", SMALL, "fdatasync", WAL, 1, "EIO", False, "disk I/O error"),
    ("accept, written", SMALL, "pwrite", WAL, 1, "EIO", False, "disk I/O error"),
    ("attempt", SMALL, "fdatasync", WAL, 2, "EIO", True, "disk I/O error"),
    ("settle", SMALL, "fdatasync", WAL, 3, "EIO", True, "disk I/O error"),
    ("settle, of many", LARGE, "fdatasync", WAL, 3, "EIO", True, "disk I/O error"),
    ("spool file", LARGE, "fdatasync", "/spool/", 1, "EIO", False, "/spool/"),
    ("spool directory", LARGE, "fsync", "/state/spool", 1, "EIO", False, "/spool"),
    ("tile", SMALL, "fsync", "tile/0", 1, "EIO", True, "tile/0"),
    ("entries", SMALL, "fsync", "tile/entries", 1, "EIO", True, "tile/entries"),
    ("checkpoint", SMALL, "fsync", "/checkpoint", 1, "EIO", True, "/checkpoint"),
    ("its name", SMALL, "fsync", f"/state/log/{YEAR}$", 1, "EIO", True, "/state/log"),
    ("log into database", FULL_ROW, "fdatasync", "store.sqlite$", 1, "EIO", True, "disk I/O error"),
)
# (where, size, call, path, number, the codes of which one must come)
NO_ROOM = (
    ("accept", SMALL, "pwrite", WAL, "1", (452,)),
    ("spool file", LARGE, "write", "/spool/", "2", (452,)),
    ("spool file, made", LARGE, "open", "/spool/", "1", (452,)),
    ("spool file, synced", LARGE, "fdatasync", "/spool/", "1", (452,)),
    ("tile", SMALL, "open", "tile/0", "1", (250,)),
    ("entries", SMALL, "fsync", "tile/entries", "1", (250,)),
    ("checkpoint", SMALL, "rename", "/checkpoint", "1", (250,)),
    ("log into database", FULL_ROW, "pwrite", "store.sqlite$", "1", (250,)),
)


def offer_until(h, done, size, answers):
    """One message; where one does not get there (the log goes into the database after 32 MiB), as many as it takes."""
    def work():
        while not done():
            answers.append(offer(h, f"m{len(answers)}", size))
            if size != FULL_ROW:
                return

    workers = [threading.Thread(target=work, daemon=True) for _ in range(1 if size != FULL_ROW else 4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)


def stop_words(h):
    return [json.loads(e)["error"] for e in h.events if '"store.stopped"' in e]


def check_arrival(h, acknowledged):
    until("what was acknowledged arrives", lambda: acknowledged <= set(arrived(h.internet)))
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)


def stops(h, where, size, call, path, number, error, may_accept, word):
    fault = Fault(h, call, path, number, error)
    h.start(**fault.environment)
    until("a first checkpoint", h.checkpoint().exists)
    fault.arm()
    process, answers = h.process, []
    offer_until(h, lambda: process.poll() is not None or fault.happened(), size, answers)
    until(where + ": the fault", fault.happened)
    code = end_of(process)
    until("the reader of the log has read all", lambda: stop_words(h) or code != 1)
    assert code == 1, f"{where}: exit code {code}"
    assert any(word in text for text in stop_words(h)), (where, stop_words(h))
    codes = {code for code, _ in answers}
    assert codes <= ({250, 421, 451, None} if may_accept else {421, 451, None}), (where, answers)
    h.process = None
    h.start()
    check_arrival(h, {mid_of_reply(text) for code, text in answers if code == 250})
    check_doubles(h)
    assert offer(h, "after it")[0] == 250
    assert h.stop() == 0
    print(f"{where:18} {error}: answers {sorted(map(str, codes))}, stopped with exit code 1, then all went on")


def goes_on(h, where, size, call, path, number, expected):
    fault = Fault(h, call, path, number, "ENOSPC")
    h.start(**fault.environment)
    fault.arm()
    answers = []
    offer_until(h, fault.happened, size, answers)
    until(where + ": the fault", fault.happened)
    assert any(code in expected for code, _ in answers), (where, answers)
    code, text = offer(h, "room again")
    assert code == 250, (where, code, text)
    check_arrival(h, {mid_of_reply(text) for code, text in answers if code == 250} | {mid_of_reply(text)})
    assert h.process.poll() is None and not stop_words(h), (where, stop_words(h))
    # the checkpoint catches up by itself
    committed = h.json("status")["log"]["size"]
    checkpoint = h.checkpoint()
    until("the published log to catch up", lambda: checkpoint.exists() and int(checkpoint.read_text().split("\n")[1]) >= committed)
    check_doubles(h)
    code = h.stop()
    assert code == 0, (where, code)
    print(f"{where:18} ENOSPC: answers {sorted({code for code, _ in answers})}, then on")


def at_stop(h):
    """The last checkpoint of an orderly stop fails: the exit code says so, and the next start makes it good."""
    fault = Fault(h, "fsync", "/checkpoint", "1", "EIO")
    h.start(**fault.environment)
    until("a first checkpoint", h.checkpoint().exists)
    code, text = offer(h, "last")
    assert code == 250
    check_arrival(h, {mid_of_reply(text)})
    fault.arm()
    assert h.stop() == 1 and len(fault.happened()) == 1


def main():
    needs_shim()
    with House(retry='first = "1s"') as h:
        for row in STOPS:
            stops(h, *row)
            h.fsck()
        for row in NO_ROOM:
            goes_on(h, *row)
            h.fsck()
        at_stop(h)
        h.start()
        assert h.stop() == 0
        check_log(h)
        print(f"failing fsync: {len(STOPS) + 1} stops, {len(NO_ROOM)} times no room, nothing lost")


if __name__ == "__main__":
    sys.exit(main())
