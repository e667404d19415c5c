"""Never lost, by HTTPS: killed twenty times under load from clients that repeat what got no answer, under the same
Idempotency-Key. Every 202 arrives; a key never makes a second message; an arrival twice only where the log calls that very
message's attempt uncertain."""
import collections
import http.client
import signal
import ssl
import sys
import threading
import time

from api import Client, https_config, message, token_for
from faults import arrived, check_doubles, check_log
from house import House, until

KILLS, CLIENTS = 20, 6
POLICY = """
[[rule]]
name = "Erlaubt"
when = { direction = "outbound" }
then = { otherwise = "clear", transport = "any" }
"""


def work(h, token, number, answers, over):
    client, n = None, 0
    while not over.is_set():
        n += 1
        key = f"{number}-{n}"
        while True:
            try:
                if client is None:
                    client = Client(h, token, timeout=5)
                status, _, body = client.json("POST", "/v1/messages", message(subject=key), Idempotency_Key=key)
                assert status == 202, (status, body)
                answers[key].add(body["mid"])
                break
            except (OSError, http.client.HTTPException, ssl.SSLError, KeyError, ValueError):
                client = None
                time.sleep(0.02)


def main():
    with House(policy=POLICY, retry='first = "1s"\nmost = "10s"', limits="sessions_per_address = 500") as h:
        h.extra = https_config(h)
        h.write_config()
        h.add_account()
        h.start()
        token = token_for(h)["token"]
        answers, over = collections.defaultdict(set), threading.Event()
        workers = [threading.Thread(target=work, args=(h, token, w, answers, over), daemon=True) for w in range(CLIENTS)]
        for w in workers:
            w.start()
        for _ in range(KILLS):
            there = len(answers)
            until("the clients get on", lambda: len(answers) >= there + 12)
            h.process.send_signal(signal.SIGKILL)
            h.process.wait()
            h.process = None
            h.start()
        over.set()
        for w in workers:
            w.join(30)
            assert not w.is_alive()
        several = {key: mids for key, mids in answers.items() if len(mids) != 1}
        assert not several, f"a key made more than one message: {several}"
        mids = {next(iter(m)) for m in answers.values()}
        assert len(mids) == len(answers)
        until("every 202 arrives", lambda: mids <= set(arrived(h.internet)))
        until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
        extra = set(arrived(h.internet)) - mids
        assert not extra, f"messages that no client has an answer for: {len(extra)}"
        doubles, uncertain = check_doubles(h)
        assert h.stop() == 0
        check_log(h)
    print(f"https_crash: {len(mids)} answered with 202 over {KILLS} kills, all arrived; {doubles} doubles, {uncertain} attempts uncertain")


if __name__ == "__main__":
    sys.exit(main())
