"""Hostile outside: 200 bad logins at once cost bounded memory and nobody else's service; one address holds no more sessions
than it may; out of descriptors the daemon waits, and goes on."""
import contextlib
import os
import resource
import smtplib
import socket
import ssl
import sys
import threading

from faults import offer
from house import PATIENCE, SANITIZED, House, until

LOGINS, ADDRESSES = 200, 10      # 20 sessions an address, below the limit of 50
MOST_GROWTH = 96 << 20           # two checks of 19 MiB at a time, and 200 TLS sessions of some 100 KiB
PER_ADDRESS = 50                 # limits.sessions_per_address


class Storm:
    """All connected and past STARTTLS first, then all at once."""

    def __init__(self, h):
        self.h, self.ready, self.codes = h, threading.Barrier(LOGINS + 1, timeout=120), []
        self.threads = [threading.Thread(target=self.log_in, args=(n,), daemon=True) for n in range(LOGINS)]
        for t in self.threads:
            t.start()
        self.ready.wait()

    def log_in(self, n):
        context = ssl.create_default_context(cafile=str(self.h.pki.ca))
        context.check_hostname = False
        s = smtplib.SMTP("127.0.0.1", self.h.ports["submission"], timeout=120, local_hostname="c.example",
                         source_address=(f"127.0.1.{1 + n % ADDRESSES}", 0))
        try:
            s.starttls(context=context)
            s.ehlo()
            self.ready.wait()
            # half the names exist: both kinds must cost the same
            s.login("amt53" if n % 2 else f"fremd{n}", "falsch", initial_response_ok=True)
            self.codes.append(235)
        except smtplib.SMTPAuthenticationError as e:
            self.codes.append(e.smtp_code)
        except (smtplib.SMTPException, OSError) as e:
            self.codes.append(str(e))
        finally:
            s.close()

    def is_over(self):
        return len(self.codes) == LOGINS


def others_answer(h, storm):
    """Mail by relay and mx while logins still wait; how many got through."""
    taken = 0
    while not storm.is_over():
        assert offer(h, f"relay{taken}")[0] == 250
        code, text = offer(h, f"mx{taken}", role="mx", sender="fremde@aussen.example", to=("amt53@stadt.example",))
        assert code == 250, (code, text)
        taken += 2 * (not storm.is_over())
    return taken


def many_bad_logins(h):
    with h.client():
        pass  # a good login first: what the first one costs once is not the storm's
    before = h.forget_memory_peak()
    storm = Storm(h)
    taken = others_answer(h, storm)
    for t in storm.threads:
        t.join(PATIENCE)
    # 535: checked and wrong; 454: more waiting than the queue holds, try later. Never 235, never a broken connection
    assert set(storm.codes) == {535, 454}, storm.codes
    assert taken > 0, "no mail got through while logins waited"
    grown = h.memory_peak() - before
    assert SANITIZED or grown < MOST_GROWTH, f"the daemon grew by {grown >> 20} MiB"
    assert offer(h, "danach", role="submission", sender="amt53@stadt.example", to=("bauamt@stadt.example",))[0] == 250
    print(f"{LOGINS} bad logins: {storm.codes.count(535)} wrong, {storm.codes.count(454)} later; {taken} other messages meanwhile; grew by {grown >> 20} MiB")


def greeting(s):
    """The first line and, where the server means to go on, nothing else."""
    return s.makefile("rb").readline().decode()


def connect(h, role, source):
    return socket.create_connection(("127.0.0.1", h.ports[role]), timeout=PATIENCE, source_address=(source, 0))


def sessions_of_an_address(h):
    with contextlib.ExitStack() as open_ones:
        first = open_ones.enter_context(connect(h, "mx", "127.0.2.1"))
        assert greeting(first).startswith("220")
        for _ in range(PER_ADDRESS - 1):
            # also by another listener: the address counts, not the door
            assert greeting(open_ones.enter_context(connect(h, ("mx", "submission")[_ % 2], "127.0.2.1"))).startswith("220")
        for role in ("mx", "submission", "relay"):
            with connect(h, role, "127.0.2.1") as s:
                f = s.makefile("rb")
                assert f.readline().startswith(b"421 4.7.0") and f.readline() == b"", role
        with connect(h, "mx", "127.0.2.2") as other:
            assert greeting(other).startswith("220")
        until("the log says so", lambda: any('"listener.busy"' in e and "127.0.2.1" in e for e in h.events))
        first.close()

        def again():
            with connect(h, "mx", "127.0.2.1") as s:
                return greeting(s).startswith("220")

        until("room after one has left", again)
    print(f"{PER_ADDRESS} sessions of one address, then 421")


def out_of_descriptors(h):
    used = len(os.listdir(f"/proc/{h.process.pid}/fd"))
    soft, hard = resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard, "the daemon lives with the soft limit"
    taken, addresses = [], []
    with h.client("relay") as session, contextlib.ExitStack() as open_ones:
        resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE, (used + 5, hard))
        def one_more():
            open_ones.enter_context(connect(h, "mx", f"127.0.3.{1 + len(addresses) % 250}"))
            addresses.append(1)
            return any('"listener.accept_failed"' in e for e in h.events)

        # as many as it takes: sessions from before may still be leaving
        until("no descriptor for another session", one_more)

        def checkpoint_waits():
            """A session that is open goes on: its mail is taken, and neither published nor delivered for now."""
            name = f"knapp{len(taken)}"
            session.sendmail("bauamt@stadt.example", ["x@aussen.example"], f"From: bauamt@stadt.example\r\nSubject: {name}\r\n\r\nx\r\n")
            taken.append(name.encode())
            return any('"log.checkpoint_late"' in e for e in h.events)

        until("the checkpoint waits", checkpoint_waits)
        assert h.process.poll() is None
    resource.prlimit(h.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
    until("mail again", lambda: offer(h, "nachher")[0] == 250)
    until("what was taken arrives", lambda: all(any(b"Subject: " + name + b"\r" in m["data"] for m in list(h.internet.messages)) for name in taken))
    assert not any('"store.stopped"' in e for e in h.events)
    print(f"out of descriptors: {len(taken)} messages taken meanwhile, all delivered afterwards")


def main():
    with House(retry='first = "1s"\nmost = "10s"') as h:
        h.start()
        h.add_account()
        many_bad_logins(h)
        sessions_of_an_address(h)
        out_of_descriptors(h)
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
        assert h.stop() == 0
        h.fsck()


if __name__ == "__main__":
    sys.exit(main())
