"""What processes cost: CPU time, proportional and resident memory, from /proc. No process is named by its name, only by its id."""
import os

TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


def family(pid):
    """The process and all its living descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = _stat(name)
            if stat:
                parents[int(name)] = int(stat[1])
    members, grown = {pid}, True
    while grown:
        more = {p for p, parent in parents.items() if parent in members} - members
        members |= more
        grown = bool(more)
    return sorted(members)


def cpu_seconds(pids):
    """Own time and that of children already reaped: a child that ends in between moves to its parent, and nothing is lost."""
    total = 0
    for pid in pids:
        stat = _stat(pid)
        if stat:
            total += sum(int(x) for x in stat[11:15])
    return total / TICK


def _kib(pid, file, field):
    try:
        with open(f"/proc/{pid}/{file}", encoding="ascii") as f:
            for line in f:
                if line.startswith(field):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def pss_mib(pids):
    return sum(_kib(p, "smaps_rollup", "Pss:") for p in pids) / 1024


def rss_mib(pid):
    return _kib(pid, "status", "VmRSS:") / 1024


def peak_rss_mib(pid):
    return _kib(pid, "status", "VmHWM:") / 1024


def forget_peak(pid):
    """The peak counts from now on (proc(5), clear_refs)."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")


def busy_seconds():
    """Of the whole machine: what else ran meanwhile makes a run worth less."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(x) for x in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK
