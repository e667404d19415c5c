"""Explainable: policies are swapped and reloaded, broken ones between them, while several clients send; nothing is refused or
lost, and the hash in each receipt leads to exactly the texts that decided that message."""
import base64
import collections
import hashlib
import os
import re
import signal
import sys
import threading

from faults import arrived, check_log, mid_of_reply, offer
from house import House, until

VERSIONS, CLIENTS, EXAMINED = 40, 4, 120


def policy(number):
    """One version: the name of its rule, which stands in the trail of each decision, tells it from the others."""
    return f"""
[[rule]]
name = "Fassung {number}"
when = {{ direction = "outbound", department = "bauamt" }}
then = {{ encrypt = ["smime"], otherwise = "clear", transport = "any" }}
"""


BROKEN = ('[[rule]]\nname = "kaputt\n', '[[rule]]\nname = "x"\nwhn = {}\nthen = { encript = ["smime"] }\n', "\0\0\0")


def swap(path, text):
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    os.replace(new, path)


class Clients:
    def __init__(self, h):
        self.h, self.stop, self.lock = h, threading.Event(), threading.Lock()
        self.answers = []
        self.threads = [threading.Thread(target=self.send, args=(w,), daemon=True) for w in range(CLIENTS)]
        for t in self.threads:
            t.start()

    def send(self, worker):
        n = 0
        while not self.stop.is_set():
            n += 1
            answer = offer(self.h, f"w{worker}n{n}")
            with self.lock:
                self.answers.append(answer)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join(30)
        return self.answers


def reloads(h):
    return sum('"daemon.reload"' in e for e in list(h.events))


def swap_and_reload(h):
    """Files are swapped while signals arrive: each reload finds whatever stands there. By signal and by command, several at
    once, and something broken in every third."""
    path, config = h.dir / "policies" / "10.toml", h.config.read_text()
    commands = []
    for number in range(VERSIONS):
        swap(path, policy(number))
        h.process.send_signal(signal.SIGHUP)
        if number % 4 == 0:
            commands.append(threading.Thread(target=lambda: h.cli("reload", check=False), daemon=True))
            commands[-1].start()
        if number % 3 == 0:
            swap(path, BROKEN[number // 3 % len(BROKEN)])
            h.process.send_signal(signal.SIGHUP)
        if number % 5 == 0:
            swap(h.config, config + f"\n# Fassung {number}\n")
        until("another reload", lambda: reloads(h) > number)
        swap(path, policy(number))
        before = reloads(h)
        h.process.send_signal(signal.SIGHUP)
        until("the next one", lambda: reloads(h) > before)
    for c in commands:
        c.join(30)
    h.reload()
    assert any('"refused"' in e for e in h.events if '"daemon.reload"' in e), "nothing broken was ever read"


def texts_of(h, cfg, known):
    """The archived files of a hash, by the command an auditor uses; hashed here once more, as docs/receipts.md says."""
    if cfg not in known:
        files = [(f["name"].encode(), base64.b64decode(f["base64"])) for f in h.json("receipts", "config", cfg)["files"]]
        sha = hashlib.sha256()
        for name, text in sorted(files):
            sha.update(name + b"\0" + str(len(text)).encode() + b"\n" + text)
        assert sha.hexdigest() == cfg, f"{cfg}: the archived texts have the hash {sha.hexdigest()}"
        known[cfg] = dict(files)
    return known[cfg]


def examine(h, mid, known):
    """Both receipts of the acceptance name one configuration, and the rule that decided is a rule of its texts."""
    timeline = h.json("receipts", "show", mid)["timeline"]
    leaves = [leaf for leaf in timeline if leaf["event"] in ("msg.accept", "msg.decide")]
    assert len(leaves) == 2 and len({leaf["cfg"] for leaf in leaves}) == 1, timeline
    text = texts_of(h, leaves[0]["cfg"], known)[b"policies/10.toml"].decode()
    rule = text.split('name = "')[1].split('"')[0]
    decided = str(leaves[1]["disclosures"]["dec"])
    assert re.search(re.escape(rule) + r"(?!\d)", decided), (rule, decided)
    return leaves[0]["cfg"]


def check_order(h):
    """A configuration is archived before the first receipt that names it."""
    archived = set()
    for index, leaf in enumerate(h.leaves()):
        if leaf["ev"] == "sys.config":
            archived.add(leaf["cfg"])
        elif leaf["ev"] in ("msg.accept", "msg.decide") or leaf["ev"].startswith(("msg.", "relay.")) and "cfg" in leaf:
            assert leaf["cfg"] in archived, f"leaf {index} ({leaf['ev']}) names a configuration that is archived after it"
    return archived


def main():
    with House(policy=policy("null")) as h:
        h.start()
        clients = Clients(h)
        until("the first answers", lambda: len(clients.answers) >= CLIENTS)
        swap_and_reload(h)
        answers = clients.end()
        assert {code for code, _ in answers} == {250}, collections.Counter((code, text if code != 250 else "") for code, text in answers)
        mids = [mid_of_reply(text) for _, text in answers]
        until("all messages at the sink", lambda: set(mids) == set(arrived(h.internet)), 60)
        assert h.process.poll() is None
        archived = check_order(h)
        known = {}
        step = max(1, len(mids) // EXAMINED)
        decided_by = collections.Counter(examine(h, mid, known) for mid in mids[::step])
        assert len(decided_by) > 5, "too few versions were in force: nothing raced"
        assert h.cli("receipts", "config", "00" * 32, check=False).returncode == 1
        assert h.stop() == 0
        check_log(h)
        print(f"reload race: {len(mids)} messages under {len(archived)} versions, {sum(decided_by.values())} led back to the texts that decided them")


if __name__ == "__main__":
    sys.exit(main())
