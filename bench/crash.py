#!/usr/bin/env python3
"""swaks in parallel, S/MIME signed and encrypted, and kill -9 in the middle: every acknowledged message arrives, none readable.

  bench/crash.py [--messages 200] [--parallel 20] [--kills 3]
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import peers  # noqa: E402
from rig.gateway import Gateway  # noqa: E402
from rig.pki import Pki  # noqa: E402


def send(gateway, number):
    """One message by swaks, again until it is acknowledged, as a mail client would; its mid."""
    for _ in range(60):
        done = subprocess.run(["swaks", "--server", "127.0.0.1", "--port", str(gateway.port), "--tls", "--from", gateway.sender, "--to", gateway.secret,
                               "--h-Subject", f"Nachricht {number}", "--body", "Vertraulich " * 50, "--timeout", "10"], capture_output=True, text=True)
        taken = re.search(r"250 2\.0\.0 Ok (\w{26})", done.stdout)
        if taken:
            return taken.group(1)
        time.sleep(0.2)
    raise RuntimeError(f"message {number} was never taken: {done.stdout[-300:]}")


def main():
    p = argparse.ArgumentParser(description="kill -9 under swaks")
    p.add_argument("--messages", type=int, default=200)
    p.add_argument("--parallel", type=int, default=20)
    p.add_argument("--kills", type=int, default=3)
    options = p.parse_args()
    directory = tempfile.mkdtemp(prefix="amtsbote-bench-")
    sink = gateway = None
    try:
        pki = Pki(os.path.join(directory, "pki"))
        pki.tls("gateway", "gw.stadt.example")
        pki.mail("amt", "amt@stadt.example")
        pki.mail("partner", "buerger@secret.example")
        sink = peers.Sink()
        gateway = Gateway(os.path.join(directory, "amtsbote"), sink.port, pki)
        gateway.import_keys()
        gateway.start()
        taken, lock, began = [], threading.Lock(), time.monotonic()

        def one(number):
            mid = send(gateway, number)
            with lock:
                taken.append(mid)

        with concurrent.futures.ThreadPoolExecutor(options.parallel) as pool:
            jobs = [pool.submit(one, n) for n in range(options.messages)]
            for kill in range(options.kills):
                while len(taken) < options.messages * (kill + 1) // (options.kills + 1):
                    time.sleep(0.01)
                gateway.kill()
                gateway.start()
            for job in jobs:
                job.result()
        got = sink.wait_for(options.messages, 60, 15)
        time.sleep(1)
        got = sink.state()
        gateway.stop()
        fsck = gateway.command("receipts", "fsck", os.path.join(gateway.directory, "state", "log"), "--vkey", gateway.vkey())
    finally:
        if gateway:
            gateway.stop()
        if sink:
            sink.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{len(set(taken))} acknowledged over {options.kills} kills in {time.monotonic() - began:.1f} s; at the sink {got['messages']} arrivals, {got['smime_enveloped']} encrypted, "
          f"{got['plain']} readable; fsck exit {fsck.returncode}")
    return 0 if got["messages"] >= options.messages and got["plain"] == 0 and fsck.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
