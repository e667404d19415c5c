"""Monitoring reads the gateway: every number that the alert rules and the dashboard name is there, counts what happened, and names nobody."""
import http.client
import json
import pathlib
import re
import shutil
import signal
import smtplib
import socket

from house import BINARY, House, run, until

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "monitoring"
LISTENER = """
[[listener]]
role = "metrics"
address = "127.0.0.1:0"
"""


def ask(h, path, method="GET", body=None):
    c = http.client.HTTPConnection("127.0.0.1", h.ports["metrics"], timeout=30)
    c.request(method, path, body)
    r = c.getresponse()
    return r, r.read().decode()


def numbers(h):
    """Sample name with labels to value, checked against the text format by promtool where it exists."""
    r, text = ask(h, "/metrics")
    assert r.status == 200 and r.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8", r.getheaders()
    if shutil.which("promtool"):
        checked = run("promtool", "check", "metrics", input=text.encode(), check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    out = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert name not in out, "twice: " + name
            out[name] = float(value)
    return text, out


def names_in(text):
    return {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"\bamtsbote_[a-z_]+", text)}


def nagios(h):
    def plugin():
        r = h.cli("status", "--nagios", check=False)
        text = r.stdout.decode()
        assert text.count("\n") == 1 and " | messages=" in text or r.returncode in (2, 3), text
        return r.returncode, text

    code, text = plugin()
    assert code == 0 and text.startswith("AMTSBOTE OK - 0 messages under way | messages=0 due=0 in_flight=0 held=0 unknown=0 submitted=0 oldest=0s checkpoint="), text
    assert h.json("status")["exit"] == 0 and {e["kind"] for e in h.json("status")["endings"]} == {"tls", "smime"}

    config = h.config.read_text()
    h.config.write_text(config.replace('free_space = "16MiB"', 'free_space = "1024GiB"'))
    h.reload()
    code, text = plugin()
    assert code == 2 and "disk is too full" in text, text
    h.config.write_text(config)
    policy = (h.dir / "policies" / "10.toml").read_text()
    (h.dir / "policies" / "10.toml").write_text(policy.replace('otherwise = "refuse"', 'otherwise = "hold"'))
    h.reload()
    h.submit(to=["ohne-schluessel@example.org"])
    code, text = plugin()
    assert code == 1 and "1 recipients are held" in text and " held=1 " in text, text
    assert numbers(h)[1]['amtsbote_queue_recipients{state="held"}'] == 1
    shown = h.cli("status", check=False)
    assert shown.returncode == 1 and b"ATTENTION: 1 recipients are held" in shown.stdout, shown.stdout

    # one that stands still is found out soon, by people as by the plugin
    h.process.send_signal(signal.SIGSTOP)
    code, text = plugin()
    assert code == 2 and "has not answered within 10 seconds" in text, text
    # also where those who gave up before have filled its queue
    waiting = []
    while True:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].setblocking(False)
        try:
            waiting[-1].connect(str(h.dir / "control"))
        except BlockingIOError:
            break
    shown = h.cli("status", check=False, timeout=60)
    for s in waiting:
        s.close()
    assert shown.returncode == 2 and b"has not answered within 10 seconds" in shown.stderr, shown
    h.process.send_signal(signal.SIGCONT)

    h.stop()
    code, text = plugin()
    assert code == 2 and "no daemon answers" in text, text
    shown = h.cli("status", check=False)
    assert shown.returncode == 1 and b"ATTENTION: no daemon runs" in shown.stdout, shown
    r = run(BINARY, "status", "--nagios", "--config", "/nonexistent.toml", check=False)
    assert r.returncode == 3 and r.stdout.startswith(b"AMTSBOTE UNKNOWN"), r.stdout
    h.start()


def main():
    with House(extra=LISTENER) as h:
        h.add_account()
        h.trust_authority()
        h.import_own("amt53@stadt.example")
        h.import_partner("buerger@example.org")
        h.start()

        text, before = numbers(h)
        assert before['amtsbote_accepted_messages_total{role="submission"}'] == 0 and before["amtsbote_log_entries"] >= 2, text
        h.submit(to=["buerger@example.org"])
        h.internet.wait(1)
        try:
            h.submit(to=["ohne-schluessel@example.org"])
            raise AssertionError("taken without a key")
        except smtplib.SMTPDataError:
            pass
        try:
            h.client(login=("amt53", "falsch"))
            raise AssertionError("let in")  # smtplib tries two mechanisms
        except smtplib.SMTPAuthenticationError:
            pass
        until("the outcome is counted", lambda: numbers(h)[1]['amtsbote_recipients_total{outcome="delivered"}'] == 1)
        text, now = numbers(h)
        for name, value in (('amtsbote_accepted_messages_total{role="submission"}', 1), ('amtsbote_refusals_total{reason="no_key"}', 1),
                            ('amtsbote_refusals_total{reason="internal"}', 0), ("amtsbote_logins_failed_total", 2),
                            ('amtsbote_crypto_seconds_count{operation="protect"}', 1), ("amtsbote_decide_seconds_count", 2),
                            ("amtsbote_store_writable", 1), ("amtsbote_queue_messages", 0), ('amtsbote_build_info{version="0.1.0"}', 1)):
            assert now[name] == value, (name, now[name])
        assert now["amtsbote_store_commit_seconds_count"] > before["amtsbote_store_commit_seconds_count"]
        assert now["amtsbote_log_entries"] > before["amtsbote_log_entries"] and now["amtsbote_log_checkpoint_age_seconds"] < 120
        for name in ('amtsbote_certificate_left_seconds{kind="tls",name="gw"}', 'amtsbote_certificate_left_seconds{kind="smime",name=""}'):
            assert 363 < now[name] / 86400 <= 365, (name, now[name])

        # a session that is open, and one that is not any more
        earlier = numbers(h)[1]["amtsbote_sessions_open"]  # of clients above that this program has not let go yet
        with socket.create_connection(("127.0.0.1", h.ports["mx"])):
            until("one more session is open", lambda: numbers(h)[1]["amtsbote_sessions_open"] == earlier + 1)
        until("it has ended", lambda: numbers(h)[1]["amtsbote_sessions_open"] <= earlier)

        # nobody is named
        for word in ("amt53", "buerger", "example.org", "ohne-schluessel", "127.0.0.1", "gesundheitsamt"):
            assert word not in text, word

        # what rules and dashboard name exists
        known = names_in(text)
        for file in ("alerts.yml", "dashboard.json"):
            wanted = names_in((MONITORING / file).read_text())
            assert len(wanted) > 8 and wanted <= known, (file, wanted - known)
        dashboard = json.loads((MONITORING / "dashboard.json").read_text())
        assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
        documented = (MONITORING.parents[1] / "docs" / "operations.md").read_text()
        for name in known:
            assert f"`{name}`" in documented, "docs/operations.md does not explain " + name
        for alert in re.findall(r"alert: (\w+)", (MONITORING / "alerts.yml").read_text()):
            assert f"`{alert}`" in documented, "docs/operations.md does not explain " + alert

        for path, status in (("/healthz", 200), ("/readyz", 200), ("/", 404), ("/metrics/../healthz", 404)):
            r, body = ask(h, path)
            assert r.status == status, (path, r.status, body)
        r, _ = ask(h, "/metrics", "POST", b"x" * 10)
        assert r.status == 405 and r.getheader("Allow") == "GET"

        # the disk below its mark: alive, and not ready
        config = h.config.read_text()
        h.config.write_text(config.replace('free_space = "16MiB"', 'free_space = "1024GiB"'))
        h.reload()
        assert ask(h, "/healthz")[0].status == 200
        r, body = ask(h, "/readyz")
        assert r.status == 503 and "FAILS disk" in body and "ok    store" in body, body
        h.config.write_text(config)
        h.reload()
        assert ask(h, "/readyz")[0].status == 200

        nagios(h)

        # not for the world
        port = h.stop()
        assert port == 0
        for address, extra, good in (("0.0.0.0:0", "", False), ("0.0.0.0:0", 'networks = ["0.0.0.0/0"]', False), ("0.0.0.0:0", 'networks = ["10.0.0.0/8"]', True),
                                     ("127.0.0.1:0", 'tls = "gw"', False)):
            h.config.write_text(config.replace('role = "metrics"\naddress = "127.0.0.1:0"', f'role = "metrics"\naddress = "{address}"\n{extra}'))
            r = run(BINARY, "check", "--config", h.config, check=False)
            assert (r.returncode == 0) == good, (address, extra, r.stdout)

    if shutil.which("promtool"):
        run("promtool", "check", "rules", MONITORING / "alerts.yml")
        r = run("promtool", "test", "rules", "alerts_test.yml", cwd=MONITORING, check=False)
        assert r.returncode == 0, r.stdout.decode() + r.stderr.decode()


if __name__ == "__main__":
    main()
