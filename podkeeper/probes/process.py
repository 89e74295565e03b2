"""Which processes are there, and how much memory do they hold?

Covers: one look at all processes, memory of one, open files of one and its limit for them.
Leaves out: which of them make up a program (`probes.proc`), what memory they share
(`probes.rollup`).
A process is named by (pid, start time): the kernel gives pids to others again.
"""

from __future__ import annotations

import os
import re
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from podkeeper.probes import files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_KIB = 1024
#: Size, resident and shared of /proc/PID/statm, see proc_pid_statm(5).
_STATM_WORDS = 3
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name, see proc_pid_stat(5).
_STATE, _PPID, _PGID, _SID, _UTIME, _CSTIME, _THREADS, _START, _RSS = 0, 1, 2, 3, 11, 14, 17, 19, 21
_MOST_OPEN = re.compile(rb"^Max open files +(\d+)", re.MULTILINE)


class ProcessStat(msgspec.Struct, frozen=True, gc=False):
    """One process at one instant. Same as `cat /proc/PID/stat`."""

    pid: int
    ppid: int
    pgid: int
    sid: int
    #: Start in clock ticks since boot.
    start_ticks: int
    #: One letter: R, S, D, T, t, Z and so on.
    state: str
    #: Processor time used, that of ended and awaited children included, in clock ticks.
    cpu_ticks: int
    threads: int
    rss_bytes: int

    @property
    def identity(self) -> tuple[int, int]:
        """Return what names this process and no later one: pid and start."""
        return self.pid, self.start_ticks

    @property
    def alive(self) -> bool:
        """Whether it still runs; what is dead waits only for its parent."""
        return self.state not in "ZXx"

    @property
    def stopped(self) -> bool:
        """Whether somebody has stopped it (SIGSTOP); one that a debugger holds is in state t."""
        return self.state == "T"


Scan = dict[int, ProcessStat]


def parse_stat(content: bytes) -> ProcessStat | None:
    """Return the process of a /proc/PID/stat file, or None where it is cut short.

    The name stands in parentheses and may hold any character, parentheses included.
    """
    head, _, tail = content.rpartition(b")")
    fields = tail.split()
    if len(fields) <= _RSS:
        return None
    return ProcessStat(
        int(head.partition(b" ")[0]),
        int(fields[_PPID]),
        int(fields[_PGID]),
        int(fields[_SID]),
        int(fields[_START]),
        fields[_STATE].decode(),
        sum(map(int, fields[_UTIME : _CSTIME + 1])),
        int(fields[_THREADS]),
        int(fields[_RSS]) * _PAGE_BYTES,
    )


def stat(pid: int, root: Path = Path("/")) -> ProcessStat | None:
    """Return one process, or None where there is none of that pid."""
    content = files.read(f"{root}/proc/{pid}/stat")
    return None if content is None else parse_stat(content)


def pids(root: Path = Path("/")) -> list[int]:
    """Return the pids of all processes that can be seen. Same as `ls /proc`."""
    names = os.listdir(f"{root}/proc")  # noqa: PTH208 - a tick looks at hundreds
    return [int(name) for name in names if name.isdigit()]


def scan(root: Path = Path("/")) -> Scan:
    """Return all processes that can be seen, by pid. Same as `ps -e`."""
    found = (stat(pid, root) for pid in pids(root))
    return {process.pid: process for process in found if process is not None}


class Table:
    """All processes, read again and again, most of them seldom.

    What is new and what is `needed` is read at every look; of the rest only the coming and going is
    seen, until it is read again after `full_period_s`. On a machine with hundreds of processes
    that are not ours this is most of a look's cost.
    """

    def __init__(
        self, root: Path, full_period_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = root
        self._full_period_s = full_period_s
        self._clock = clock
        self._full_at_s: float | None = None
        self._known: Scan = {}

    def look(self, needed: Collection[int]) -> Scan:
        """Return all processes; the caller may add to it."""
        now_s = self._clock()
        if self._full_at_s is None or now_s - self._full_at_s >= self._full_period_s:
            self._full_at_s, self._known = now_s, scan(self._root)
        else:
            self._known = self._renewed(needed)
        return dict(self._known)

    def _renewed(self, needed: Collection[int]) -> Scan:
        found = {}
        for pid in pids(self._root):
            known = None if pid in needed else self._known.get(pid)
            process = known or stat(pid, self._root)
            if process is not None:
                found[pid] = process
        return found


def _kib_field(content: bytes, name: bytes) -> int | None:
    _, found, rest = content.partition(b"\n" + name + b":")
    return int(rest.split(maxsplit=1)[0]) * _KIB if found else None


class Holdings(NamedTuple):
    """What a process holds, in bytes; None where that is unknown."""

    #: RAM and swap that only the process's end would free.
    memory_bytes: int | None = None
    #: What of it is swapped out.
    swap_bytes: int | None = None


def holdings_of(pid: int, root: Path = Path("/")) -> Holdings:
    """Return what a process holds that only its end would free.

    Anonymous and shared memory and swap: `grep -E 'RssAnon|RssShmem|VmSwap' /proc/PID/status`.
    File pages, such as a mapped checkpoint, are left out, because the kernel drops them by itself.
    Shared memory counts in each process that maps it. Nothing is known where there is no such
    process, or where the kernel does not tell.
    """
    content = files.read(f"{root}/proc/{pid}/status") or b""
    anonymous = _kib_field(content, b"RssAnon")
    if anonymous is None:
        return Holdings()
    shared, swapped = (_kib_field(content, name) for name in (b"RssShmem", b"VmSwap"))
    return Holdings(anonymous + (shared or 0) + (swapped or 0), swapped)


def memory_of(pid: int, root: Path = Path("/")) -> int | None:
    """Return the RAM and swap that only the process's end would free, as `holdings_of` does."""
    return holdings_of(pid, root).memory_bytes


def anonymous_fast(pid: int, root: Path = Path("/")) -> int | None:
    """Return the anonymous memory of a process in bytes, at a third of the cost of `memory_of`.

    Resident less file-backed and shared pages of `cat /proc/PID/statm`: shared memory and swap are
    missing, and the kernel's count may be off by some pages for each processor. 5 µs; 0 while a
    process ends.
    """
    words = (files.read(f"{root}/proc/{pid}/statm") or b"").split(maxsplit=3)
    if len(words) < _STATM_WORDS:
        return None
    return max(0, int(words[1]) - int(words[2])) * _PAGE_BYTES


def io_bytes_of(pid: int, root: Path = Path("/")) -> int | None:
    """Return the bytes a process has read by any way, and written to devices.

    Same as the sum of `grep -E 'rchar|^read_bytes|^write_bytes' /proc/PID/io`. What it writes to
    pipes is left out: a line of log is no work. None where that may not be seen.
    """
    names = ("rchar", "read_bytes", "write_bytes")
    found = files.table(f"{root}/proc/{pid}/io", *names)
    return sum(found.values()) if found else None


def open_files_of(pid: int, root: Path = Path("/")) -> int | None:
    """Return how many file descriptors a process has. Same as `ls /proc/PID/fd | wc -l`.

    None where that may not be seen. From Linux 6.2 the folder's size is the number.
    """
    folder = f"{root}/proc/{pid}/fd"
    try:
        return os.stat(folder).st_size or len(os.listdir(folder))  # noqa: PTH116, PTH208 - hot path
    except OSError:
        return None


def open_files_limit_of(pid: int, root: Path = Path("/")) -> int | None:
    """Return how many file descriptors a process may have (soft RLIMIT_NOFILE).

    Same as `grep 'open files' /proc/PID/limits`, which takes twenty times as long and is read only
    where the short way is barred.
    """
    if str(root) == "/":
        try:
            return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
        except ProcessLookupError:
            return None
        except PermissionError:  # another user's
            pass
    found = _MOST_OPEN.search(files.read(f"{root}/proc/{pid}/limits") or b"")
    return int(found[1]) if found else None
