"""Root's commands, while no daemon runs, on a state directory that belongs to somebody else: they work, and leave nothing that he
could not read; the secrets stay closed to him."""
import os
import pathlib
import shutil
import sys
import tempfile

from house import BINARY, Pki, run

NOBODY = 65534
if os.geteuid() != 0:
    sys.exit(77)
top = pathlib.Path(tempfile.mkdtemp(prefix="amtsbote-owner-", dir="/tmp"))
try:
    top.chmod(0o755)
    site = top / "site"
    run(BINARY, "init", "--into", site, "--domain", "stadt.example", "--next-hop", "127.0.0.1:25")
    site.chmod(0o777)  # the sockets would lie here
    for directory, folders, files in os.walk(site / "state"):
        for name in [".", *files]:
            os.chown(os.path.join(directory, name), NOBODY, NOBODY)
    partner, _ = Pki(top / "pki").mail("praxis@partner.example")

    def cli(*args, **kw):
        return run(BINARY, *args, "--config", site / "amtsbote.toml", **kw)

    cli("check")
    # whoever is neither root nor the owner is told so, beside what he may not read
    for path in [site, *site.rglob("*")]:
        if path.parent.name != "secrets" and "state" not in path.relative_to(top).parts:
            path.chmod(path.stat().st_mode | (0o5 if path.is_dir() else 0o4))
    stranger = run("setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups", os.path.abspath(BINARY), "check", "--config", site / "amtsbote.toml", check=False)
    assert stranger.returncode == 1 and b"belongs to another user: run it as root" in stranger.stderr, stranger
    cli("keys", "import", "--trusted", partner)
    cli("users", "add", "zweites", "poststelle@stadt.example", "--password-stdin", input=b"geheim\n")
    assert b"zweites" in cli("users", "list").stdout
    assert b"praxis@partner.example" in cli("keys", "list").stdout
    assert b"USED" in cli("keys", "explain", "praxis@partner.example").stdout
    assert b"smime" in cli("policy", "explain", "--from", "poststelle@stadt.example", "--to", "praxis@partner.example").stdout
    cli("keys", "generate", "poststelle@stadt.example")  # gpg, too
    cli("check")
    # a daemon is not root's to run there: it would leave files that the owner cannot open
    refused = run(BINARY, "serve", "--config", site / "amtsbote.toml", check=False)
    assert refused.returncode == 2 and b"belongs to the user nobody" in refused.stderr and b"systemctl start amtsbote" in refused.stderr, refused
    for directory, folders, files in os.walk(site / "state"):
        for name in [".", *files]:
            status = os.lstat(os.path.join(directory, name))
            assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY), (directory, name, status)
    for secret in (site / "secrets").iterdir():
        assert secret.stat().st_uid == 0 and secret.stat().st_mode & 0o777 == 0o400
finally:
    shutil.rmtree(top, ignore_errors=True)
