"""A backup made under load, restored into another house: nothing that was acknowledged before it is lost, and the log tells the truth."""
import json
import shutil
import smtplib
import sqlite3
import threading

from house import BINARY, House, run, until


def restore(h, copy):
    shutil.rmtree(h.dir / "state")
    shutil.copytree(copy, h.dir / "state")


def main():
    with House(retry='first = "30m"\nmost = "1h"', policy='[[rule]]\nname = "alle"\nthen = { otherwise = "clear", transport = "any" }\n') as h:
        h.add_account()
        h.internet.answers["rcpt"] = "451 4.2.0 busy"  # what is acknowledged stays
        h.start()
        acknowledged, stop = [], threading.Event()

        def load(n):
            count = 0
            while not stop.is_set():
                big = count % 8 == 0
                count += 1
                try:
                    reply = h.submit(to=[f"a{n}@x.example"], text="A" * 76 + ("\r\n" + "B" * 76) * (2500 if big else 1))
                except (smtplib.SMTPException, OSError):
                    return
                acknowledged.append(reply.split()[2])  # after the reply, so never too early

        threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        until("some mail is in, large mail too", lambda: len(acknowledged) > 60)
        before = list(acknowledged)
        copy = h.dir / "backup"
        told = h.json("store", "backup", str(copy))
        during = len(acknowledged)
        # not into a directory that holds something: nothing there is touched
        again = h.cli("store", "backup", str(copy), check=False)
        assert again.returncode == 1 and json.loads((copy / "backup.json").read_text())["messages"] == told["messages"], again.stderr
        assert run(BINARY, "store", "backup", "--config", h.config, check=False).returncode == 2
        until("the daemon went on meanwhile", lambda: len(acknowledged) > during)
        stop.set()
        for t in threads:
            t.join()
        h.stop()
        h.fsck()

        names = {p.name for p in copy.iterdir()}
        assert names == {"store.sqlite", "spool", "log", "backup.json"}, names
        assert told["spool_files"] > 0 and told["messages"] >= len(before), told
        db = sqlite3.connect(copy / "store.sqlite")
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        wanted = {row[0] for row in db.execute("SELECT spool FROM message WHERE spool IS NOT NULL")}
        db.close()
        assert wanted == {p.name for p in (copy / "spool").iterdir()}
        secret = (h.dir / "seal.key").read_bytes()
        assert all(secret not in p.read_bytes() for p in copy.rglob("*") if p.is_file())

        # the newest published log survived the disk: the database is behind it, which a start refuses
        newest = h.dir / "newest-log"
        shutil.copytree(h.dir / "state" / "log", newest)
        restore(h, copy)
        shutil.rmtree(h.dir / "state" / "log")
        shutil.copytree(newest, h.dir / "state" / "log")
        r = run(BINARY, "serve", "--config", h.config, check=False, timeout=60)
        assert r.returncode == 2 and b"log_rollback" in r.stderr, r.stderr
        h.cli("receipts", "new-epoch", "--reason", "restored the backup")
        h.internet.answers.clear()
        h.start()
        mids = {m["mid"] for m in h.json("queue", "list", "--limit", "10000")["messages"]}
        delivered = {leaf["mid"] for leaf in h.leaves("msg.closed") if "mid" in leaf}
        missing = set(before) - mids - delivered
        assert not missing, missing
        h.json("queue", "retry", "--route", "internet")
        until("all of it arrives", lambda: len(h.internet.messages) >= told["messages"])
        h.stop()
        h.fsck()
        foreign = h.foreign_fsck()
        assert foreign.returncode == 0, foreign.stdout + foreign.stderr

        # all is lost but the copy: it starts as it is
        h.internet.answers["rcpt"] = "451 4.2.0 busy"  # what was in flight when it was copied is due again, and must still be there
        restore(h, copy)
        h.start()
        assert h.json("status")["queue"]["messages"] == told["messages"]
        h.stop()
        h.fsck()
        foreign = h.foreign_fsck()
        assert foreign.returncode == 0, foreign.stdout + foreign.stderr


main()
