#!/usr/bin/env python3
"""The HTTPS door under load: 200 clients alone, SMTP alone, and both together, in one run on one gateway.

  bench/https.py [--seconds N] [--clients N]
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import machine, peers  # noqa: E402
from rig.gateway import Gateway  # noqa: E402
from rig.pki import Pki  # noqa: E402

HTTPS = """
[[listener]]
role = "https"
address = "127.0.0.1:{port}"
tls = "gw"
"""
FROM, TO = "amt@stadt.example", "buerger@plain.example"


def smtp(gateway, seconds, out):
    out.update(peers.load(gateway.port, sessions=10, messages=10_000_000, size=10240, starttls=True, max_seconds=int(seconds), **{"from": FROM, "to": TO}))


def https(port, token, clients, seconds):
    done = subprocess.run([peers.program("https"), "--port", str(port), "--clients", str(clients), "--seconds", str(seconds), "--token", token, "--from", FROM, "--to", TO],
                          capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    p = argparse.ArgumentParser(description="HTTPS beside SMTP")
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--clients", type=int, default=200)
    options = p.parse_args()
    directory = tempfile.mkdtemp(prefix="amtsbote-bench-")
    sink = gateway = None
    try:
        pki = Pki(os.path.join(directory, "pki"))
        pki.tls("gateway", "gw.stadt.example")
        pki.mail("amt", "amt@stadt.example")
        pki.mail("partner", "buerger@secret.example")
        sink = peers.Sink()
        port = peers.free_port()
        gateway = Gateway(os.path.join(directory, "amtsbote"), sink.port, pki, extra=HTTPS.format(port=port))
        made = subprocess.run([gateway.program, "users", "add", "bench", FROM, "--password-stdin", "--config", gateway.config], input="geheim\n", text=True, capture_output=True)
        if made.returncode != 0:
            raise RuntimeError(made.stderr)
        gateway.start()
        token = json.loads(gateway.command("users", "token", "add", "bench", "--json").stdout)["token"]
        alone = {}
        smtp(gateway, options.seconds / 3, alone)
        sink.wait_for(sink.count(), 1)
        time.sleep(1)
        cpu = machine.cpu_seconds(gateway.pids())
        only = https(port, token, options.clients, options.seconds / 3)
        only_cpu = machine.cpu_seconds(gateway.pids()) - cpu
        time.sleep(2)
        together = {}
        beside = threading.Thread(target=smtp, args=(gateway, options.seconds, together))
        beside.start()
        both = https(port, token, options.clients, options.seconds)
        beside.join()
        memory = machine.peak_rss_mib(gateway.process.pid)
        acked = alone["acked"] + together["acked"] + only["taken"] + both["taken"]
        got = sink.wait_for(acked, 120)
    finally:
        if gateway:
            gateway.stop()
        if sink:
            sink.stop()
        shutil.rmtree(directory, ignore_errors=True)

    def rate(load):
        return load["acked"] / load["seconds"] if load.get("seconds") else load["acked"] / max(1e-9, load["last"] - load["first"])

    print(f"SMTP alone, 10 connections: {rate(alone):.0f}/s, p99 {alone['p99_ms']:.1f} ms")
    print(f"HTTPS alone, {options.clients} clients: {only['rate']:.0f}/s ({only['rate'] / rate(alone):.2f} x SMTP), p50 {only['p50_ms']} ms, p99 {only['p99_ms']} ms, "
          f"CPU {1000 * only_cpu / max(1, only['taken']):.3f} ms a message, broken {only['broken']}")
    print(f"both for {options.seconds:.0f} s: HTTPS {both['rate']:.0f}/s, p50 {both['p50_ms']} ms, p99 {both['p99_ms']} ms, broken {both['broken']}; "
          f"SMTP {rate(together):.0f}/s ({rate(together) / rate(alone):.2f} of alone), failed {together['failed']}")
    print(f"answers: {({k: v for k, v in both.items() if k.startswith('status')})}; acknowledged {acked}, arrived {got['unique']}; peak resident {memory:.0f} MiB")
    return 0 if got["unique"] >= acked and not only["broken"] and not both["broken"] else 1


if __name__ == "__main__":
    sys.exit(main())
