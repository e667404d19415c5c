"""A user of the auditors' group finds, reads and proves receipts through his own socket, and does nothing else; a stranger does nothing at all. The
group is that of the socket's directory, and the log tells who asked."""
import base64
import json
import os
import sys

from house import BINARY, House, run

GROUP, AUDITOR, STRANGER = 34567, 23456, 23457
if os.geteuid() != 0:
    sys.exit(77)

with House() as h:
    directory = h.dir / "auditors"
    directory.mkdir()
    os.chown(directory, -1, GROUP)
    directory.chmod(0o2755)
    h.change_config(f'audit = "{h.dir}/audit"', f'audit = "{directory}/socket"')
    h.dir.chmod(0o711)
    # all that he needs to know: the configuration itself is not for him
    own = h.dir / "auditor.toml"
    own.write_text(f'[site]\ncontrol = "{h.dir}/control"\naudit = "{directory}/socket"\n')
    own.chmod(0o644)
    place = h.dir / "proofs"
    place.mkdir()
    os.chown(place, AUDITOR, AUDITOR)

    def ask(uid, *args, groups=()):
        identity = ["--reuid", uid, "--regid", uid, *(["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"])]
        return run("setpriv", *identity, os.path.abspath(BINARY), *args, "--config", own, check=False)

    h.start()
    opened = next(json.loads(e) for e in h.events if '"control.open"' in e)
    assert opened["auditors"] == str(GROUP) and opened["administrators"] == "root", opened
    assert os.stat(directory / "socket").st_gid == GROUP and os.stat(h.dir / "control").st_gid == 0
    h.submit(["x@aussen.example"], sender="bauamt@stadt.example", role="relay")
    h.internet.wait(1)
    vkey = h.vkey()

    found = ask(AUDITOR, "receipts", "search", "--recipient", "x@aussen.example", "--json", groups=[GROUP])
    assert found.returncode == 0, found
    mid = json.loads(found.stdout)["messages"][0]["mid"]
    shown = ask(AUDITOR, "receipts", "show", mid, groups=[GROUP])
    assert shown.returncode == 0 and b"x@aussen.example" in shown.stdout, shown
    proved = ask(AUDITOR, "receipts", "prove", "-o", place / "one", mid, groups=[GROUP])
    assert proved.returncode == 0, proved
    verified = ask(AUDITOR, "receipts", "verify", "--vkey", vkey, place / "one" / (mid + ".receipts.json"))
    assert verified.returncode == 0, verified
    cfg = base64.urlsafe_b64decode(h.leaves("msg.decide")[0]["cfg"] + "=").hex()
    texts = ask(AUDITOR, "receipts", "config", cfg, groups=[GROUP])
    assert texts.returncode == 0 and b"Bauamt offen" in texts.stdout, texts
    assert ask(AUDITOR, "status", groups=[GROUP]).returncode == 0
    who = [json.loads(e)["who"] for e in h.events if '"control.command"' in e and "receipts." in e]
    assert len(who) == 4 and all(w == f"(uid {AUDITOR})" for w in who), who
    assert len(h.leaves("audit.query")) == 3 and len(h.leaves("audit.export")) == 1

    before = len(h.leaves())
    commands = (["queue", "list"], ["queue", "cancel", "--reason", "x", mid], ["keys", "list"], ["keys", "remove", "3F2A77C1"], ["users", "list"],
                ["users", "remove", "amt53"], ["users", "token", "list"], ["store", "backup", place / "two"])
    for command in commands:
        refused = ask(AUDITOR, *command, groups=[GROUP])
        assert refused.returncode == 2 and b"not for auditors: they may use receipts search, show, config and prove" in refused.stderr, (command, refused)
    for command in (*commands, ["receipts", "search"], ["receipts", "show", mid], ["status"]):
        refused = ask(STRANGER, *command)
        assert refused.returncode == 2 and b"for root and for members of the group root" in refused.stderr, (command, refused)
    assert len(h.leaves()) == before and not (place / "two").exists()
    assert h.stop() == 0
