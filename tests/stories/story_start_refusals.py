"""What must end the start: exit 2, a sentence, and nothing written."""
import hashlib
import os
import sqlite3
import subprocess

from house import BINARY, House


def state_of(h):
    """What is stored: every row of the database, every file of the log, the keys and the spool."""
    db = sqlite3.connect(h.dir / "state" / "store.sqlite", timeout=30)
    try:
        out = {"store": hashlib.sha256("\n".join(db.iterdump()).encode()).hexdigest()}
    finally:
        db.close()
    files = (p for p in (h.dir / "state").rglob("*") if p.is_file() and not p.name.startswith("store.") and p.name != "lock")
    out.update({str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    return out


def copy_of(database, target):
    """A backup as an administrator makes it, what still stands in the WAL included."""
    source, copy = sqlite3.connect(database), sqlite3.connect(target)
    source.backup(copy)
    copy.close()
    source.close()
    return target


def refused(h, why):
    before = state_of(h)
    done = subprocess.run([BINARY, "serve", "--config", str(h.config), "--log-format", "json"], capture_output=True, timeout=30)
    assert done.returncode == 2, (why, done.returncode, done.stderr)
    assert done.stderr.strip(), why + ": not a word"
    after = state_of(h)
    assert before == after, (why, [k for k in before.keys() | after.keys() if before.get(k) != after.get(k)])


def main():
    with House() as h:
        h.start()
        h.add_account()
        refused(h, "a second daemon on one store")
        h.submit(["kollegin@stadt.example"])
        h.mailboxes.wait(1)
        assert h.stop() == 0
        old = copy_of(h.dir / "state" / "store.sqlite", h.dir / "old.sqlite")

        seal = h.dir / "seal.key"
        right = seal.read_bytes()
        seal.chmod(0o600)
        seal.write_bytes(os.urandom(32))
        seal.chmod(0o400)
        refused(h, "a wrong sealing key")
        seal.unlink()
        refused(h, "no sealing key")
        seal.write_bytes(right)
        seal.chmod(0o400)

        h.config.chmod(0o622)
        refused(h, "a configuration that others may write")
        h.config.chmod(0o600)

        h.start()
        h.submit(["kollegin@stadt.example"])
        h.mailboxes.wait(2)
        assert h.stop() == 0
        for beside in ("store.sqlite-wal", "store.sqlite-shm"):
            (h.dir / "state" / beside).unlink(missing_ok=True)
        (h.dir / "state" / "store.sqlite").write_bytes(old.read_bytes())
        refused(h, "an old database under newer tiles")


if __name__ == "__main__":
    main()
