"""The load generator and the sink, as the scripts use them."""
import itertools
import json
import os
import socket
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("AMTSBOTE_BUILD", os.path.join(ROOT, "build", "release"))
PROGRAMS = os.path.join(BUILD, "bench")
_runs = itertools.count(1)


def program(name):
    path = os.path.join(PROGRAMS, "bench_" + name)
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is missing: build with -DAMTSBOTE_BENCH=ON, or start bench/run")
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, seconds, alive=lambda: True):
    """Seconds until something answers there with a greeting."""
    start = time.monotonic()
    while time.monotonic() - start < seconds and alive():
        try:
            with socket.create_connection(("127.0.0.1", port), 2) as s:
                s.settimeout(5)
                if s.recv(512).startswith(b"220"):
                    return time.monotonic() - start
        except OSError:
            pass
        time.sleep(0.005)
    raise RuntimeError(f"nothing answers on port {port}")


class Sink:
    def __init__(self, *options, port=0):
        self.process = subprocess.Popen([program("sink"), "--port", str(port), "--starttls", "--max-seconds", "7200", *map(str, options)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        word = self.process.stderr.readline().split()
        if len(word) != 2 or word[0] != "port":
            raise RuntimeError("the sink does not start: " + " ".join(word))
        self.port = int(word[1])

    def _ask(self, word):
        with socket.create_connection(("127.0.0.1", self.port), 30) as s:
            f = s.makefile("rwb")
            f.readline()
            f.write(word.encode() + b"\r\n")
            f.flush()
            return json.loads(f.readline()[4:])

    def count(self):
        return self._ask("XCOUNT")

    def state(self):
        return self._ask("XSTAT")

    def reset(self):
        self._ask("XRESET")

    def wait_for(self, count, seconds, quiet=30):
        """Until that many arrived, or nothing more comes."""
        end, last, since = time.monotonic() + seconds, -1, time.monotonic()
        while time.monotonic() < end:
            now = self.count()
            if now >= count or (now == last and time.monotonic() - since > quiet):
                break
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.02)
        return self.state()

    def stop(self):
        self.process.terminate()
        out, _ = self.process.communicate(timeout=20)
        return json.loads(out)


def load_command(port, **options):
    command = [program("load"), "--port", str(port), "--run", f"{os.getpid()}x{next(_runs)}"]
    for name, value in options.items():
        word = "--" + name.replace("_", "-")
        if value is True:
            command.append(word)
        elif value not in (False, None):
            command += [word, str(value)]
    return command


def load(port, **options):
    """Runs the generator to its end; its line of JSON."""
    out = subprocess.run(load_command(port, **options), capture_output=True, text=True, check=False)
    if out.returncode != 0:
        raise RuntimeError(out.stderr.strip())
    return json.loads(out.stdout)
