"""The units as systemd's own tools judge them: nothing to complain about, and an exposure of at most 1.5."""
import os
import pathlib
import re
import shutil
import sys
import tempfile

from house import BINARY, run

if shutil.which("systemd-analyze") is None:
    sys.exit(77)
source = pathlib.Path(__file__).resolve().parent.parent.parent / "systemd"
directory = pathlib.Path(tempfile.mkdtemp(prefix="amtsbote-units-", dir="/tmp"))
try:
    units, scores = [], []
    shutil.copytree(source / "amtsbote-.socket.d", directory / "amtsbote-.socket.d")
    for unit in sorted(source.glob("*.service")) + sorted(source.glob("*.socket")):
        # the program stands elsewhere here; all else is as it is installed
        text = unit.read_text().replace("=/usr/bin/amtsbote ", "=" + os.path.abspath(BINARY) + " ")
        (directory / unit.name).write_text(text)
        units.append(directory / unit.name)
    assert len(units) >= 5
    r = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units, check=False)
    told = [line for line in (r.stdout + r.stderr).decode().split("\n") if "amtsbote" in line]
    assert r.returncode == 0 and not told, told
    for unit in units:
        r = run("systemd-analyze", "security", "--offline=yes", "--no-pager", unit, check=False)
        exposure = re.search(r"Overall exposure level for (\S+): ([0-9.]+)", r.stdout.decode())
        assert exposure and exposure.group(1) == unit.name and float(exposure.group(2)) <= 1.5, r.stdout.decode() + r.stderr.decode()
        scores.append(f"{unit.name} {exposure.group(2)}")
    # each secret that init writes reaches the daemon, under the name that the configuration uses
    loaded = dict(re.findall(r"^LoadCredential=(\S+):/etc/amtsbote/(\S+)$", (source / "amtsbote.service").read_text(), re.M))
    run(BINARY, "init", "--into", directory / "site", "--domain", "stadt.example", "--next-hop", "127.0.0.1:25")
    written = dict(re.findall(r'credential = "(\S+)", file = "(\S+)"', re.sub(r"^#.*$", "", (directory / "site" / "amtsbote.toml").read_text(), flags=re.M)))
    assert loaded == written, (loaded, written)
    print("units: exposure " + ", ".join(scores))
finally:
    shutil.rmtree(directory, ignore_errors=True)
