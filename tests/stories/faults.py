"""Faults of the disk for stories (tests/fault/fault_shim.cpp), and the checks that every story of faults ends with."""
import collections
import os
import pathlib
import re
import shutil
import smtplib
import sys

from house import PATIENCE, BINARY, run

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DEPARTMENT = "bauamt@stadt.example"
CITIZEN = "x@aussen.example"


def needs_shim():
    """A story of faults ends here where the library was not built, as under a sanitizer."""
    if not os.path.exists(os.environ.get("FAULT_SHIM", "")):
        print("no fault library in this build")
        sys.exit(77)


class Fault:
    """One fault of one call; `environment` is for House.start, and nothing happens before arm()."""

    def __init__(self, h, call, path, at, what):
        self.arm_file, self.told_file = h.dir / "fault.arm", h.dir / "fault.told"
        for f in (self.arm_file, self.told_file):
            f.unlink(missing_ok=True)
        self.environment = {"LD_PRELOAD": os.environ["FAULT_SHIM"], "FAULT_CALL": call, "FAULT_PATH": path, "FAULT_AT": str(at), "FAULT_DO": what,
                            "FAULT_ARM": str(self.arm_file), "FAULT_TOLD": str(self.told_file)}

    def arm(self):
        self.arm_file.touch()

    def happened(self):
        return self.told_file.read_text().splitlines() if self.told_file.exists() else []


def offer(h, name, size=200, role="relay", sender=DEPARTMENT, to=(CITIZEN,)):
    """Offers one message named in its subject. Returns (code, text): of the reply, or (None, why) if none came."""
    text = "x" * 70 + ("\r\n" + "x" * 70) * (size // 72)
    try:
        return 250, h.submit(list(to), sender=sender, role=role, subject=name, text=text)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as e:
        return e.smtp_code, e.smtp_error.decode()
    except smtplib.SMTPRecipientsRefused as e:
        code, text = next(iter(e.recipients.values()))
        return code, text.decode()
    except smtplib.SMTPServerDisconnected as e:
        return None, str(e)
    except smtplib.SMTPResponseException as e:
        return e.smtp_code, e.smtp_error.decode()
    except OSError as e:
        return None, str(e)


def mid_of_reply(reply):
    return re.search(r"Ok (\w{26}) receipt=\w{26}", reply).group(1)


def arrived(*sinks):
    """How often each message (mid, as its Received field has it) is at the sinks."""
    return collections.Counter(re.search(rb"\tid (\w{26})", m["data"]).group(1).decode() for sink in sinks for m in list(sink.messages))


def end_of(process, patience=PATIENCE):
    """The exit code of a process that must end by itself."""
    return process.wait(patience)


def check_doubles(h):
    """A message may be there once more for each attempt of that very message whose outcome the log calls unknown; never else."""
    unknown = collections.Counter(leaf["mid"] for leaf in h.leaves("relay.unknown"))
    accepted = {leaf["mid"] for event in ("msg.accept", "msg.accept.ext") for leaf in h.leaves(event)}
    copies = arrived(h.internet)
    for mid, count in copies.items():
        assert mid in accepted, f"{mid} left without a receipt of its acceptance"
        assert count - 1 <= unknown[mid], f"{mid} is there {count} times, {unknown[mid]} attempts are uncertain"
    return sum(count - 1 for count in copies.values()), unknown.total()


def check_log(h):
    """The log of a stopped house: by fsck, by Go's sumdb packages, and the receipts of one message by sh and openssl."""
    assert h.process is None
    log, vkey = h.dir / "state" / "log", h.vkey()
    r = run(BINARY, "receipts", "fsck", log, "--vkey", vkey, check=False)
    assert r.returncode == 0, r.stdout.decode() + r.stderr.decode()
    if shutil.which("go") is not None:
        r = h.foreign_fsck()
        assert r.returncode == 0, r.stdout.decode() + r.stderr.decode()
    uncertain = h.leaves("relay.unknown") or h.leaves("msg.accept")
    h.cli("receipts", "prove", uncertain[-1]["mid"], "--output", h.dir / "proof")
    whole = next((h.dir / "proof").glob("*.receipts.json"))
    r = run(SOURCE / "tools" / "verify-receipt.sh", whole, vkey, check=False)
    assert r.returncode == 0 and b"all good" in r.stdout, r.stdout.decode() + r.stderr.decode()
    shutil.rmtree(h.dir / "proof")
