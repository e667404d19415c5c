"""kill -9 under load, three times: what was acknowledged arrives, what arrives twice was uncertain, and the log is whole."""
import collections
import re
import signal
import smtplib
import threading

from house import House, until

POLICY = """
[[rule]]
name = "verschluesselt"
when = { direction = "outbound" }
then = { encrypt = ["smime"], otherwise = "refuse" }
"""
THREADS, KILLS, BEFORE_KILL = 4, 3, 12


def main():
    with House(policy=POLICY, retry='first = "1s"\nmost = "10s"') as h:
        h.start()
        h.add_account()
        h.import_partner("buerger@aussen.example", "RSA2048")
        h.reload()
        acknowledged, lock, stop = [], threading.Lock(), threading.Event()

        def load(number):
            count = 0
            while not stop.is_set():
                count += 1
                try:
                    reply = h.submit(["buerger@aussen.example"], headers={"Message-ID": f"<{number}-{count}@stadt.example>"}, text=f"Nachricht {number}-{count}")
                except (smtplib.SMTPException, OSError, KeyError):
                    stop.wait(0.02)  # the daemon is down: its caller keeps the message
                    continue
                with lock:
                    acknowledged.append((f"<{number}-{count}@stadt.example>", re.search(r"Ok (\w+)", reply).group(1)))

        threads = [threading.Thread(target=load, args=(n,)) for n in range(THREADS)]
        for t in threads:
            t.start()
        try:
            for _ in range(KILLS):
                target = len(acknowledged) + BEFORE_KILL
                until("messages acknowledged under load", lambda: len(acknowledged) >= target)
                h.stop(signal.SIGKILL)
                h.start()
        finally:
            stop.set()
            for t in threads:
                t.join()

        def arrived():
            found = collections.Counter()
            for m in list(h.internet.messages):
                found.update(re.findall(rb"^Message-ID: (<[^>]+>)", m["data"], re.M | re.I))
            return found

        until("every acknowledged message at the sink", lambda: {m.encode() for m, _ in acknowledged} <= set(arrived()))
        assert h.stop() == 0
        mids = {message: mid for message, mid in acknowledged}
        uncertain = {leaf["mid"] for leaf in h.leaves("relay.unknown")}
        for message, count in arrived().items():
            mid = mids.get(message.decode())
            assert count == 1 or mid is None or mid in uncertain, f"{message} arrived {count} times without a word of doubt"
        assert not any(b"Nachricht" in m["data"] for m in h.internet.messages)
        h.fsck()
        print(f"{len(acknowledged)} acknowledged, {len(uncertain)} uncertain")


if __name__ == "__main__":
    main()
