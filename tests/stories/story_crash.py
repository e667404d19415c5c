"""Never lost: killed under load three times; every acknowledged message arrives, a double only where the log calls an attempt
of that very message uncertain, and the log is whole."""
import re
import signal
import smtplib
import threading

from faults import check_doubles, check_log
from house import House, until


def load(h, prefix, acked, stop):
    n = 0
    while not stop.is_set():
        try:
            s = h.client()
            while not stop.is_set():
                n += 1
                name = f"{prefix}-{n}"
                s.sendmail("amt53@stadt.example", ["buerger@aussen.example"], f"From: amt53@stadt.example\r\nTo: buerger@aussen.example\r\nSubject: x\r\nX-Name: {name}\r\n\r\nText {name}\r\n")
                acked.append(name)
        except (OSError, smtplib.SMTPException):
            if not stop.wait(0.05):
                continue


def arrived(h):
    names = {}
    for message in list(h.internet.messages):
        name = re.search(rb"X-Name: (\S+)", message["data"]).group(1).decode()
        names[name] = names.get(name, 0) + 1
    return names


with House() as h:
    h.start()
    h.add_account()
    h.trust_authority()
    h.import_own("amt53@stadt.example")
    h.import_partner("buerger@aussen.example")
    acked = []
    for round_number in range(3):
        stop = threading.Event()
        before = len(acked)
        workers = [threading.Thread(target=load, args=(h, f"r{round_number}w{w}", acked, stop)) for w in range(8)]
        for w in workers:
            w.start()
        until("thirty messages acknowledged", lambda: len(acked) > before + 30)
        h.process.send_signal(signal.SIGKILL)
        h.process.wait()
        stop.set()
        for w in workers:
            w.join()
        h.process = None
        h.start()
    until("every acknowledged message to arrive", lambda: set(acked) <= set(arrived(h)))
    until("an empty queue", lambda: h.json("status")["queue"]["messages"] == 0)
    doubles, uncertain = check_doubles(h)
    for message in h.internet.messages:
        assert b"Text r" not in message["data"]
    assert h.stop() == 0
    check_log(h)
    print(f"crash: {len(acked)} acknowledged, all arrived; {doubles} doubles, {uncertain} attempts uncertain")
