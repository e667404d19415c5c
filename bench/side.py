#!/usr/bin/env python3
"""Amtsbote beside a private Postfix relay: the same load, the same sink, the same machine, in turns; medians and ratios.

  bench/side.py [--rounds N] [--scale F] [--only WORD] [--json FILE] [--no-postfix] [--no-amtsbote] [--keep]

Rates run from the first MAIL at the generator to the last arrival at the sink. CPU is that of all processes of each, per message
that arrived. A run in which something is missing, or in which "protected" mail arrived readable, is marked and never counted as good.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import machine, peers  # noqa: E402
from rig.cases import CASES, PLAIN_OF  # noqa: E402
from rig.gateway import Gateway  # noqa: E402
from rig.pki import Pki  # noqa: E402
from rig.postfix import Postfix  # noqa: E402


class PeakPss(threading.Thread):
    """Samples while a run lasts; seldom, because reading it costs CPU on the measured machine."""

    def __init__(self, relay):
        super().__init__(daemon=True)
        self.relay, self.peak, self.over = relay, 0.0, threading.Event()

    def run(self):
        while not self.over.wait(1.0):
            self.peak = max(self.peak, machine.pss_mib(self.relay.pids()))

    def finish(self):
        self.over.set()
        self.join()
        return max(self.peak, machine.pss_mib(self.relay.pids()))


def run_once(relay, sink, case, count):
    sink.reset()
    cpu, busy, start = machine.cpu_seconds(relay.pids()), machine.busy_seconds(), time.monotonic()
    pss = PeakPss(relay)
    pss.start()
    to = "buerger@secret.example" if case.secret else "buerger@plain.example"
    load = peers.load(relay.port, sessions=case.sessions, messages=count, size=case.size, starttls=True, reconnect=case.reconnect,
                      rate=case.rate or None, max_seconds=120, **{"from": "amt@stadt.example", "to": to})
    got = sink.wait_for(load["acked"], 120)
    peak = pss.finish()
    time.sleep(0.5)  # what settles after the last arrival belongs to it
    cpu = machine.cpu_seconds(relay.pids()) - cpu
    arrived = max(1, got["unique"])
    span = got["last"] - load["first"]
    others = machine.busy_seconds() - busy - cpu
    return {
        "rate": got["messages"] / span if span > 0 else 0, "cpu_ms": cpu * 1000 / arrived, "p50": load["p50_ms"], "p99": load["p99_ms"],
        "pss": peak, "acked": load["acked"], "failed": load["failed"], "arrived": got["unique"], "missing": load["acked"] - got["unique"],
        "duplicates": got["duplicates"], "enveloped": got["smime_enveloped"], "plain": got["plain"], "tls": got["tls"],
        "first_error": load["first_error"], "seconds": time.monotonic() - start, "others_s": others,
    }


def fault_of(run, case, count):
    """Why this run does not count, or ""."""
    if run["failed"] or run["acked"] != count:
        return f"{run['failed']} of {count} not taken ({run['first_error'][:80]})"
    if run["missing"]:
        return f"{run['missing']} acknowledged and not arrived"
    if case.secret and run["enveloped"] != run["arrived"]:
        return f"only {run['enveloped']} of {run['arrived']} encrypted"
    if run["tls"] == 0 and run["arrived"]:
        return "" if run.get("kept") else "no TLS towards the sink"
    return ""


def median(runs, field):
    return statistics.median(r[field] for r in runs) if runs else None


def measure(relays, sink, case, options):
    out = {}
    for turn in range(options.rounds):
        for relay in relays if turn % 2 == 0 else reversed(relays):
            count = case.postfix if relay.name == "Postfix" else case.amtsbote
            count = int(count * options.scale)
            if not count:
                continue
            run = run_once(relay, sink, case, count)
            # the sink counts new TLS connections since the reset; kept ones were counted in an earlier run
            run["kept"] = relay.__dict__.setdefault("seen_tls", False)
            relay.seen_tls = relay.seen_tls or run["tls"] > 0
            run["fault"] = fault_of(run, case, count)
            out.setdefault(relay.name, []).append(run)
            print(f"  {case.name}: {relay.name} {run['rate']:.0f}/s {run['cpu_ms']:.3f} ms p99 {run['p99']:.1f} ms {run['fault']}", file=sys.stderr)
    return out


def bare_lines():
    out = subprocess.run([peers.program("bare"), "--seconds", "0.5"], check=True, capture_output=True, text=True).stdout
    return {line["name"]: line["cpu_ms"] for line in map(json.loads, out.splitlines())}


def verdict(value, goal, at_least):
    if not goal or value is None:
        return ""
    met = value >= goal if at_least else value <= goal
    return "met" if met else "**missed**"


def ratio_of(ours, theirs):
    return ours / theirs if ours is not None and theirs else None


def show(value, form):
    return "" if value is None else form.format(value)


def pass_through_row(case, runs):
    a, p = runs.get("Amtsbote", []), runs.get("Postfix", [])
    rate, cpu, p99 = (ratio_of(median(a, f), median(p, f)) for f in ("rate", "cpu_ms", "p99"))
    goals = []
    if case.rate_goal:
        goals.append(f"≥ {case.rate_goal:g} x {verdict(rate, case.rate_goal, True)}, CPU ≤ 1/{1 / case.cpu_goal:g} {verdict(cpu, case.cpu_goal, False)}")
    if case.p99_goal:
        goals.append(f"p99 ≤ 1/{1 / case.p99_goal:g} {verdict(p99, case.p99_goal, False)}")
    cells = [case.name]
    for side in (p, a):
        cells += [show(median(side, "rate"), "{:.0f}"), show(median(side, "cpu_ms"), "{:.3f}"), show(median(side, "p99"), "{:.1f}"), show(median(side, "pss"), "{:.0f}")]
    cells += [show(rate, "{:.1f} x"), show(1 / cpu if cpu else None, "1/{:.1f}"), "; ".join(goals)]
    return cells


def protected_row(case, runs, all_runs, bare):
    ours = runs.get("Amtsbote", [])
    through = median(all_runs.get(PLAIN_OF[case.size][case.sessions], {}).get("Amtsbote", []), "cpu_ms")
    cpu, alone = median(ours, "cpu_ms"), bare.get(case.bare)
    goal = alone + through if alone and through else None
    return [case.name, show(median(ours, "rate"), "{:.0f}"), show(cpu, "{:.3f}"), show(median(ours, "p99"), "{:.1f}"), show(median(ours, "pss"), "{:.0f}"),
            show(alone, "{:.3f}"), show(through, "{:.3f}"), show(ratio_of(cpu, goal), "{:.2f}"), verdict(cpu, goal, False)]


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def report(results, bare):
    plain = [pass_through_row(c, results[c.name]) for c in CASES if c.name in results and not c.secret]
    secret = [protected_row(c, results[c.name], results, bare) for c in CASES if c.name in results and c.secret]
    faults = [f"- {name}, {relay}: {r['fault']}" for name, runs in results.items() for relay, rs in runs.items() for r in rs if r["fault"]]
    doubles = sum(r["duplicates"] for runs in results.values() for rs in runs.values() for r in rs)
    parts = ["## Pass-through, STARTTLS on both sides, beside Postfix",
             table(["case", "Postfix /s", "CPU ms", "p99 ms", "PSS MiB", "Amtsbote /s", "CPU ms", "p99 ms", "PSS MiB", "rate", "CPU", "goal"], plain)] if plain else []
    if secret:
        parts += ["", "## S/MIME sign + encrypt (P-256), beside bare OpenSSL",
                  table(["case", "/s", "CPU ms", "p99 ms", "PSS MiB", "bare ms", "pass-through ms", "CPU of both together", "goal ≤ 1"], secret)]
    parts += ["", f"Duplicates in all runs: {doubles}. Runs that do not count: {len(faults)}.", *faults]
    return "\n".join(parts)


def parse():
    p = argparse.ArgumentParser(description="Amtsbote beside Postfix")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--scale", type=float, default=1.0, help="part of the messages of each case")
    p.add_argument("--only", default="", help="cases whose name holds this")
    p.add_argument("--json", help="all runs, for later")
    p.add_argument("--no-postfix", action="store_true")
    p.add_argument("--no-amtsbote", action="store_true")
    p.add_argument("--keep", action="store_true", help="leave the directory")
    return p.parse_args()


def make_relays(directory, sink, pki, options):
    relays = []
    if not options.no_postfix:
        relays.append(Postfix(os.path.join(directory, "postfix"), sink.port, pki))
    if not options.no_amtsbote:
        gateway = Gateway(os.path.join(directory, "amtsbote"), sink.port, pki)
        gateway.import_keys()
        relays.append(gateway)
    return relays


def main():
    options = parse()
    directory = tempfile.mkdtemp(prefix="amtsbote-bench-")
    os.chmod(directory, 0o755)  # Postfix's own user walks through it
    results, relays, sink = {}, [], None
    try:
        pki = Pki(os.path.join(directory, "pki"))
        pki.tls("relay", "relay.bench.invalid")
        pki.tls("gateway", "gw.stadt.example")
        pki.mail("amt", "amt@stadt.example")
        pki.mail("partner", "buerger@secret.example")
        sink = peers.Sink()
        relays = make_relays(directory, sink, pki, options)
        for relay in relays:
            relay.start()
        for case in CASES:
            if options.only in case.name:
                results[case.name] = measure(relays, sink, case, options)
        bare = bare_lines() if any(c.secret and c.name in results for c in CASES) else {}
    finally:
        for relay in relays:
            relay.stop()
        if sink:
            sink.stop()
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as f:
            json.dump({"results": results, "bare": bare}, f, indent=1)
    print(report(results, bare))
    return 1 if any(r["fault"] for runs in results.values() for rs in runs.values() for r in rs) else 0


if __name__ == "__main__":
    sys.exit(main())
