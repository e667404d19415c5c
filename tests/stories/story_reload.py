"""A reload is all or nothing, and each receipt leads to the texts that decided."""
import signal
import smtplib

from house import House, POLICY, until

with House() as h:
    h.start()
    first = h.json("status")["config"]
    policy = h.dir / "policies" / "10.toml"

    def refused():
        try:
            h.submit(["x@aussen.example"], sender="bauamt@stadt.example", role="relay")
            return False
        except smtplib.SMTPException:
            return True

    assert not refused()
    # a broken policy: every fault with its place, and the old version stays
    policy.write_text(POLICY + '\n[[rule]]\nname = "x"\nwhn = {}\nthen = { encript = ["smime"] }\n')
    r = h.cli("check", check=False)
    text = r.stdout.decode()
    assert r.returncode == 1 and "whn" in text and "when" in text and "encript" in text and "10.toml:" in text, text
    h.process.send_signal(signal.SIGHUP)
    until("the refusal of the reload", lambda: any('"daemon.reload"' in e and "refused" in e for e in h.events))
    assert h.json("status")["config"] == first and not refused()
    # a stricter one: in force at once
    policy.write_text(POLICY.replace('otherwise = "clear", transport = "any"', 'otherwise = "refuse"'))
    h.process.send_signal(signal.SIGHUP)
    until("the new version", lambda: h.json("status")["config"] != first)
    assert refused()
    # a file that others may write is no policy of ours
    policy.chmod(0o666)
    assert h.cli("reload", check=False).returncode == 1
    policy.chmod(0o600)
    assert h.stop() == 0
print("reload: good")
