"""What has a set of processes cost between two instants?

PSS and private memory: /proc/PID/smaps_rollup. Processor time: the process's own clock, to the
nanosecond, and that of children it has waited for (`ps`, for memmon), to the tick. Wake-ups:
voluntary and nonvoluntary context switches of all its threads.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: clock_getcpuclockid(3): a process's clock is ~PID shifted over which of its clocks is meant.
_SCHED_CLOCK, _CLOCK_SHIFT = 2, 3
_CUTIME, _CSTIME = 13, 14


@dataclass(frozen=True)
class Cost:
    """The cost of one process, or of several together."""

    pss_mb: float
    private_mb: float
    cpu_s: float
    wakeups: int

    def __add__(self, other: Cost) -> Cost:
        """Return the cost of both."""
        return Cost(
            self.pss_mb + other.pss_mb,
            self.private_mb + other.private_mb,
            self.cpu_s + other.cpu_s,
            self.wakeups + other.wakeups,
        )

    def since(self, before: Cost) -> Cost:
        """Return the memory now, and time and wake-ups since an earlier instant."""
        return Cost(
            self.pss_mb,
            self.private_mb,
            self.cpu_s - before.cpu_s,
            self.wakeups - before.wakeups,
        )


def _memory_kib(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {words[0].rstrip(":"): int(words[1]) for words in map(str.split, lines)}


def _cpu_s(pid: int) -> float:
    own_s = time.clock_gettime((~pid << _CLOCK_SHIFT) | _SCHED_CLOCK)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return own_s + (int(fields[_CUTIME]) + int(fields[_CSTIME])) / _TICKS_PER_S


def _wakeups(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            for line in (task / "status").read_text().splitlines():
                if "voluntary_ctxt_switches" in line:
                    total += int(line.split()[1])
    return total


def cost_of(pid: int) -> Cost:
    """Return what a process holds now and has used so far.

    Raises:
        OSError: It is gone: the run is void.
    """
    memory = _memory_kib(pid)
    private = memory["Private_Clean"] + memory["Private_Dirty"]
    mb = _KIB / 1e6
    return Cost(memory["Pss"] * mb, private * mb, _cpu_s(pid), _wakeups(pid))


def children_of(pid: int) -> list[int]:
    """Return the processes whose parent a process is."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[1]) == pid:
                    found.append(int(entry.name))
    return found
