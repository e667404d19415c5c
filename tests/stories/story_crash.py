"""Never lost: killed under load three times; every acknowledged message arrives, doubles only where the log says uncertain, and the log is whole."""
import re
import signal
import smtplib
import threading

from house import House, run, until


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
    doubles = sum(n - 1 for n in arrived(h).values() if n > 1)
    uncertain = set()
    assert h.stop() == 0
    log = h.dir / "state" / "log"
    for bundle in sorted(p for epoch in log.iterdir() for p in (epoch / "tile" / "entries").rglob("*")):
        if bundle.is_file():
            # partial bundles of a killed process may repeat a leaf: its id counts once
            uncertain.update(re.findall(rb'"eid":"(\w+)"(?:,"etsi":"[^"]*")?,"ev":"relay.unknown"', bundle.read_bytes()))
    assert doubles <= len(uncertain), (doubles, len(uncertain))
    for message in h.internet.messages:
        assert b"Text r" not in message["data"]
    print(f"crash: {len(acked)} acknowledged, all arrived; {doubles} doubles, {len(uncertain)} attempts uncertain")
    h.start()
    mid = h.json("receipts", "search", "--limit", "1")["messages"][0]["mid"]
    h.cli("receipts", "prove", mid, "--output", h.dir / "proof")
    vkey = next(p for p in (h.dir / "proof").iterdir() if "vkey" in p.name).read_text().strip()
    assert h.stop() == 0
    r = h.cli("receipts", "fsck", log, "--vkey", vkey, check=False)
    assert r.returncode == 0, r.stdout.decode() + r.stderr.decode()
