"""Never lost: a file system that turns read-only under the daemon, at whatever moment, gives a 4xx before the 250 and loses
nothing after it; a start on a read-only state directory is refused with exit code 2 and a sentence that says so."""
import sys

from faults import Fault, arrived, check_doubles, check_log, end_of, mid_of_reply, needs_shim, offer
from house import BINARY, House, run, until

SMALL, LARGE = 300, 400_000
WAL = "store.sqlite-wal"

# (when it turns read-only, size, call, path, from which such call on, may the client have a 250)
MOMENTS = (
    ("before a message", SMALL, "any", "/state/", 1, False),
    ("before a large one", LARGE, "any", "/state/", 1, False),
    ("in a spool file", LARGE, "write", "/spool/", 3, False),
    ("at its sync", LARGE, "fdatasync", "/spool/", 1, False),
    ("after the 250", SMALL, "pwrite", WAL, 30, True),
    ("at the attempt", SMALL, "fdatasync", WAL, 2, True),
    ("at the outcome", SMALL, "fdatasync", WAL, 3, True),
    ("at a tile", SMALL, "open", "tile/", 1, True),
    ("at the checkpoint", SMALL, "any", "/checkpoint", 1, True),
)


def turns_read_only(h, when, size, call, path, number, may_accept):
    fault = Fault(h, call, path, f"{number}+", "EROFS")
    h.start(**fault.environment)
    fault.arm()
    process, answers = h.process, []
    while process.poll() is None and not fault.happened() and len(answers) < 40:
        answers.append(offer(h, f"m{len(answers)}", size))
        if call != "pwrite":
            break
    until(when + ": the fault", fault.happened)
    code = end_of(process)
    assert code == 1, (when, code)
    codes = {code for code, _ in answers}
    assert codes <= ({250, 421, 451, None} if may_accept else {421, 451, None}), (when, answers)
    until("the reason in the log", lambda: any('"store.stopped"' in e for e in h.events))
    h.process = None
    # all of the disk works again
    h.start()
    acknowledged = {mid_of_reply(text) for code, text in answers if code == 250}
    visible = {m["mid"] for m in h.json("queue", "list")["messages"]}
    assert acknowledged <= visible | set(arrived(h.internet)), when
    until("what was acknowledged arrives", lambda: acknowledged <= set(arrived(h.internet)))
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
    check_doubles(h)
    assert h.stop() == 0
    print(f"{when:18} answers {sorted(map(str, codes))}, stopped with exit code 1, nothing lost")


def start_refused(h):
    r = run(BINARY, "serve", "--config", h.config, check=False, timeout=60)
    text = r.stderr.decode()
    assert r.returncode == 2 and "cannot start" in text and "Read-only file system" in text and str(h.dir / "state") in text, (r.returncode, text)


def main():
    needs_shim()
    with House(retry='first = "1s"') as h:
        for row in MOMENTS:
            turns_read_only(h, *row)
        check_log(h)
    # and a real one
    with House(retry='first = "1s"') as h:
        state = h.dir / "state"
        state.mkdir(mode=0o700)
        run("mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs", state)
        try:
            run("mount", "-o", "remount,ro", state)
            start_refused(h)  # nothing is there yet
            run("mount", "-o", "remount,rw", state)
            h.start()
            h.internet.answers["data"] = "451 4.3.0 later"
            code, text = offer(h, "waits")
            assert code == 250
            until("an attempt", lambda: h.internet.attempts > 0)
            assert h.stop() == 0
            run("mount", "-o", "remount,ro", state)
            start_refused(h)  # a store with a message in its queue
            run("mount", "-o", "remount,rw", state)
            h.internet.answers.pop("data")
            h.start()
            until("the message that waited", lambda: mid_of_reply(text) in arrived(h.internet))
            assert h.stop() == 0
            check_log(h)
        finally:
            h.stop()
            run("umount", state)
    print("read only: never a 250 before, never a loss after, no start on it")


if __name__ == "__main__":
    sys.exit(main())
