"""A start that would lose or betray something does not happen: exit 2, a sentence, nothing written."""
import os
import shutil
import sqlite3

from house import BINARY, House, run


def start_refused(h, words):
    before = sorted((p, p.stat().st_mtime_ns) for p in (h.dir / "state").rglob("*") if p.is_file() and not p.name.startswith("store.sqlite-"))
    r = run(BINARY, "serve", "--config", h.config, check=False)
    text = r.stderr.decode()
    assert r.returncode == 2 and words in text, (r.returncode, text)
    after = sorted((p, p.stat().st_mtime_ns) for p in (h.dir / "state").rglob("*") if p.is_file() and not p.name.startswith("store.sqlite-"))
    assert before == after, "the refused start changed files"


with House() as h:
    h.start()
    h.submit(["x@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(1)
    start_refused(h, "lock")  # a second daemon on one store
    assert h.stop() == 0

    old = h.dir / "old.sqlite"
    shutil.copy(h.dir / "state" / "store.sqlite", old)
    seal = (h.dir / "seal.key").read_bytes()
    (h.dir / "seal.key").chmod(0o600)
    (h.dir / "seal.key").write_bytes(os.urandom(32))
    start_refused(h, "foreign_sealing_key")
    (h.dir / "seal.key").unlink()
    start_refused(h, "seal.key")
    (h.dir / "seal.key").write_bytes(seal)
    start_refused(h, "bad_permissions")  # readable by others
    (h.dir / "seal.key").chmod(0o400)

    h.start()
    h.submit(["y@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(2)
    assert h.stop() == 0
    shutil.copy(old, h.dir / "state" / "store.sqlite")
    for name in ("store.sqlite-wal", "store.sqlite-shm"):
        (h.dir / "state" / name).unlink(missing_ok=True)
    start_refused(h, "log_rollback")  # an old database under newer tiles

    # the way on: a new epoch that says so; mail flows again, and the whole log verifies
    r = h.cli("receipts", "new-epoch", "--reason", "Sicherung vom Sonntag")
    assert b"the log goes on as" in r.stdout, r.stdout
    h.start()
    h.submit(["z@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(3)
    assert h.stop() == 0
    opened = [leaf for leaf in h.leaves("log.open") if leaf["out"] == "recovered"]
    assert len(opened) == 1 and opened[0]["actor"] == "person" and opened[0]["facts"]["kept"] > 0, opened
    assert h.fsck().returncode == 0
    assert h.cli("receipts", "new-epoch", "--reason", "noch einmal", check=False).returncode == 1  # nothing is behind any more

    db = sqlite3.connect(h.dir / "state" / "store.sqlite")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    db.execute(f"PRAGMA user_version={version + 1}")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    start_refused(h, f"schema {version + 1}")  # written by a newer program
    db = sqlite3.connect(h.dir / "state" / "store.sqlite")
    db.execute(f"PRAGMA user_version={version}")
    db.close()

    h.config.chmod(0o666)
    start_refused(h, "write")
print("start refusals: good")
