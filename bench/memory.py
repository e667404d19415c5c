#!/usr/bin/env python3
"""Peak resident memory of the gateway while large messages are under way at once, each signed and encrypted.

  bench/memory.py [--messages 20] [--mib 50] [--plain]
"""
import argparse
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import machine, peers  # noqa: E402
from rig.gateway import Gateway  # noqa: E402
from rig.pki import Pki  # noqa: E402


def main():
    p = argparse.ArgumentParser(description="memory under large messages")
    p.add_argument("--messages", type=int, default=20)
    p.add_argument("--mib", type=int, default=50)
    p.add_argument("--plain", action="store_true", help="pass through instead of S/MIME")
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
        pid = gateway.process.pid
        time.sleep(1)
        idle = machine.rss_mib(pid)
        machine.forget_peak(pid)
        began = time.monotonic()
        load = peers.load(gateway.port, sessions=options.messages, messages=options.messages, size=options.mib << 20, starttls=True, max_seconds=300,
                          **{"from": gateway.sender, "to": gateway.plain if options.plain else gateway.secret})
        got = sink.wait_for(load["acked"], 300, 120)
        peak = machine.peak_rss_mib(pid)
    finally:
        if gateway:
            gateway.stop()
        if sink:
            sink.stop()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{load['acked']} of {options.messages} messages of {options.mib} MiB taken, {got['unique']} arrived, {got['smime_enveloped']} encrypted, in {time.monotonic() - began:.0f} s; "
          f"resident {idle:.0f} MiB idle, {peak:.0f} MiB at the peak")
    return 0 if got["unique"] == options.messages else 1


if __name__ == "__main__":
    sys.exit(main())
