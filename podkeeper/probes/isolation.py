"""What place among the others does a process really have?

Covers: user, umask, niceness, processors, limits, the kernel's order of killing, process group and
class of disk I/O, each as the kernel tells it; what it does not tell is None.
Leaves out: whether that is what was wanted (`policy.isolation`).
"""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

from podkeeper.model.isolation import IsolationSeen
from podkeeper.probes import files

# Fields of /proc/PID/stat after the name, see proc_pid_stat(5).
_PGID, _NICE = 2, 16
#: The line for each limit: name, soft, hard and unit, apart by two blanks or more.
_APART = re.compile(rb"\s{2,}")
#: ioprio_get(2) by machine; the C library has no function for it.
_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}
_IO_CLASSES = ("none", "realtime", "best-effort", "idle")
_IO_CLASS_SHIFT, _IO_LEVEL_MASK = 13, 7


def _fields(content: bytes) -> dict[bytes, bytes]:
    """Return the fields of a /proc/PID/status file."""
    pairs = (line.partition(b":") for line in content.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _cpus(text: bytes | None) -> list[int] | None:
    if text is None:
        return None
    numbers: list[int] = []
    for part in filter(None, text.split(b",")):
        first, _, last = part.partition(b"-")
        numbers.extend(range(int(first), int(last or first) + 1))
    return numbers


def _limits(content: bytes | None) -> dict[str, int | None] | None:
    """Return the soft limits, by the kernel's names."""
    if content is None:
        return None
    found: dict[str, int | None] = {}
    for line in content.splitlines()[1:]:
        name, soft, *_ = _APART.split(line)
        found[name.decode()] = None if soft == b"unlimited" else int(soft)
    return found


def _io(pid: int) -> tuple[str, int] | tuple[None, None]:
    """Return class and level of disk I/O. Same as `ionice -p PID`."""
    number = _IOPRIO_GET.get(os.uname().machine)
    if number is None:
        return None, None
    priority = ctypes.CDLL(None).syscall(number, 1, pid)
    kind = priority >> _IO_CLASS_SHIFT
    if priority < 0 or kind >= len(_IO_CLASSES):
        return None, None
    return _IO_CLASSES[kind], priority & _IO_LEVEL_MASK


def seen(pid: int, root: Path = Path("/")) -> IsolationSeen:
    """Return the place of one process.

    Same as `cat /proc/PID/status /proc/PID/limits /proc/PID/oom_score_adj` and
    `ps -o pgid,ni -p PID`. Of a process that is not there everything is unknown.
    """
    folder = f"{root}/proc/{pid}"
    status = _fields(files.read(f"{folder}/status") or b"")
    users = status.get(b"Uid", b"").split()
    umask = status.get(b"Umask")
    _, _, tail = (files.read(f"{folder}/stat") or b"").rpartition(b")")
    stat = tail.split()
    whole = len(stat) > _NICE
    io_class, io_level = _io(pid) if str(root) == "/" else (None, None)
    return IsolationSeen(
        pid=pid,
        uid=int(users[1]) if users else None,
        umask=umask.decode() if umask else None,
        nice=int(stat[_NICE]) if whole else None,
        oom_score_adj=files.number(f"{folder}/oom_score_adj"),
        cpus=_cpus(status.get(b"Cpus_allowed_list")),
        io_class=io_class,
        io_level=io_level,
        pgid=int(stat[_PGID]) if whole else None,
        limits=_limits(files.read(f"{folder}/limits")),
    )
