"""Never lost: a start dies at any of its own calls to the disk, the first one that makes the store and a later one that recovers
mail under way; the next start makes do with what is there."""
import signal
import sys

from faults import Fault, arrived, check_doubles, check_log, mid_of_reply, needs_shim, offer
from house import House, until

SMALL, LARGE = 300, 400_000
PATIENCE = 15.0
NUMBERS = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)


def dies_at_start(h, number, death):
    """False once the start makes fewer calls than that."""
    fault = Fault(h, "any", "/state/", number, death)
    fault.arm()
    try:
        h.start(**fault.environment)
    except AssertionError:
        assert h.process.wait(PATIENCE) == -signal.SIGKILL and fault.happened(), (number, death, h.events)
        h.process = None
        return True
    if fault.happened():  # it was ready a moment before
        h.process.wait(PATIENCE)
        h.process = None
        return True
    h.stop(signal.SIGKILL)
    return False


def first_starts():
    """A start that makes the store dies at one of its calls; the next one makes do with what is there."""
    deaths = 0
    for death in ("kill-before", "cut-after"):
        for number in NUMBERS:
            with House() as h:
                died = dies_at_start(h, number, death)
                h.start()
                assert offer(h, "erste")[0] == 250
                h.internet.wait(1)
                assert h.stop() == 0
                h.fsck()
            if not died:
                break
            deaths += 1
    assert deaths > 10, deaths
    print(f"{deaths} deaths of a first start")


def later_starts(h):
    """A start that recovers an attempt dies as well, again and again, with mail in the queue."""
    h.internet.answers["data"] = "451 4.3.0 later"
    h.start()
    mids = [mid_of_reply(offer(h, f"r{n}", size)[1]) for n, size in enumerate((SMALL, LARGE))]
    deaths = 0
    for death in ("kill-before", "cut-after"):
        for number in NUMBERS:
            if h.process is not None:
                h.stop(signal.SIGKILL)
            died = dies_at_start(h, number, death)
            deaths += died
            h.start()
            visible = {m["mid"] for m in h.json("queue", "list")["messages"]}
            assert set(mids) <= visible, (number, death, mids, visible)
            if not died:
                break
    assert deaths > 6, deaths
    h.internet.answers.pop("data")
    h.stop(signal.SIGKILL)
    h.start()
    until("what waited arrives", lambda: set(mids) <= set(arrived(h.internet)), PATIENCE)
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0, PATIENCE)
    check_doubles(h)
    assert h.stop() == 0
    print(f"{deaths} deaths of a start with mail in the queue")


def main():
    needs_shim()
    first_starts()
    with House(retry='first = "1s"\nmost = "10s"') as h:
        later_starts(h)
        check_log(h)


if __name__ == "__main__":
    sys.exit(main())
