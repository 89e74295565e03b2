"""Which processes make up a program?

Covers: everything that descends from the main process, everything in its process group, and
everything that carries the program's mark in its environment: an orphan of an earlier life, such
as a heartbeat that outlived its handler, still counts, and can be found and ended.
Leaves out: reading single processes (`probes.process`), handed on from here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.probes import files
from podkeeper.probes.process import TICKS_PER_S, ProcessStat, Scan, memory_of, scan, stat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Marks", "ProcessStat", "Scan", "families", "members", "memory_of", "scan", "stat"]

#: The program a process was started for and the start it belongs to.
Mark = tuple[str, str]
Identity = tuple[int, int]

_PROGRAM, _RUN = b"PODKEEPER_PROGRAM=", b"PODKEEPER_RUN="
#: Between fork and exec a process shows its parent's environment; after this age it is its own.
_SETTLED_TICKS = 5 * TICKS_PER_S


def parse_mark(environ: bytes) -> Mark | None:
    """Return the mark in the content of /proc/PID/environ, or None where there is none."""
    program = run = None
    for entry in environ.split(b"\0"):
        if entry.startswith(_PROGRAM):
            program = entry.removeprefix(_PROGRAM).decode(errors="replace")
        elif entry.startswith(_RUN):
            run = entry.removeprefix(_RUN).decode(errors="replace")
    return None if program is None or run is None else (program, run)


def _ticks_since_boot() -> int:
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * TICKS_PER_S)


class Marks:
    """Reads marks, each process's once: its environment as seen there never changes."""

    def __init__(
        self, root: Path = Path("/"), now_ticks: Callable[[], int] = _ticks_since_boot
    ) -> None:
        self._root = root
        self._now_ticks = now_ticks
        self._known: dict[Identity, Mark | None] = {}

    def of(self, process: ProcessStat) -> Mark | None:
        """Return the mark of a process. Same as `strings /proc/PID/environ`."""
        if process.identity in self._known:
            return self._known[process.identity]
        mark = parse_mark(files.read(f"{self._root}/proc/{process.pid}/environ") or b"")
        if mark or self._now_ticks() - process.start_ticks > _SETTLED_TICKS:
            self._known[process.identity] = mark
        return mark

    def forget_all_but(self, seen: Scan) -> None:
        """Drop what is known of processes that are gone."""
        here = {process.identity for process in seen.values()}
        self._known = {key: mark for key, mark in self._known.items() if key in here}


def _descendants(main_pid: int, children: Mapping[int, list[int]]) -> set[int]:
    found: set[int] = set()
    waiting = [main_pid]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, ()))
    return found


def families(
    mains: Mapping[str, int | None],
    seen: Scan,
    mark_of: Callable[[ProcessStat], Mark | None],
    run_id: str,
) -> dict[str, set[Identity]]:
    """Return the living processes of each program, by its name.

    `mains` gives each program's main process, None or 0 where it has none at present. The programs
    are to be those of one supervisord, which starts each in a process group of its own.
    """
    children: dict[int, list[int]] = {}
    groups: dict[int, list[int]] = {}
    marked: dict[Mark | None, list[int]] = {}
    for process in seen.values():
        children.setdefault(process.ppid, []).append(process.pid)
        groups.setdefault(process.pgid, []).append(process.pid)
        marked.setdefault(mark_of(process), []).append(process.pid)
    result = {}
    for name, main_pid in mains.items():
        pids = set(marked.get((name, run_id), ()))
        if main_pid:
            pids |= _descendants(main_pid, children)
            pids.update(groups.get(main_pid, ()))
        here = (seen[pid] for pid in pids if pid in seen)
        result[name] = {process.identity for process in here if process.alive}
    return result


def members(
    program_name: str,
    main_pid: int | None,
    seen: Scan,
    mark_of: Callable[[ProcessStat], Mark | None],
    run_id: str,
) -> set[Identity]:
    """Return the living processes of one program, as `families` does for many."""
    return families({program_name: main_pid}, seen, mark_of, run_id)[program_name]
