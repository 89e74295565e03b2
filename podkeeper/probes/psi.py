"""How much of the time does somebody wait for a resource?

Covers: the kernel's pressure stall information (PSI), for processor, memory and disk I/O. The
machine's is what a program that waits for its turn feels; that of our own group, which cgroup v2
keeps, tells of us alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.model.snapshot import Stall
from podkeeper.probes import files

if TYPE_CHECKING:
    from podkeeper.probes.groups import Place

_SOME = re.compile(rb"^some avg10=(\d+\.\d+) avg60=(\d+\.\d+)", re.MULTILINE)
_FULL = re.compile(rb"^full avg10=(\d+\.\d+)", re.MULTILINE)
_PERCENT = 100


def cpu_wait_ratio(root: Path = Path("/")) -> float | None:
    """Return the share of the last 10 or 60 s, whichever is more, in which somebody had to wait.

    Same as the larger of avg10 and avg60 in `grep some /proc/pressure/cpu`. None where the kernel
    has no such file or does not let us read it.
    """
    match = _SOME.search(files.read(f"{root}/proc/pressure/cpu") or b"")
    return max(float(match[1]), float(match[2])) / _PERCENT if match else None


def _stall(content: bytes | None) -> Stall | None:
    some, full = _SOME.search(content or b""), _FULL.search(content or b"")
    if some is None:
        return None
    return Stall(
        some_ratio=float(some[1]) / _PERCENT,
        full_ratio=float(full[1]) / _PERCENT if full else None,
    )


def _group(resource: str, place: Place | None) -> Stall | None:
    return _stall(files.read(f"{place.folder}/{resource}.pressure")) if place else None


def cpu_of_group(place: Place | None) -> Stall | None:
    """Return how our group waits for a processor. Same as `cat /sys/fs/cgroup/cpu.pressure`.

    `place` is our group in the unified hierarchy, `groups.find(groups.UNIFIED)`.
    """
    return _group("cpu", place)


def memory(root: Path = Path("/"), place: Place | None = None) -> Stall | None:
    """Return how our group waits for memory, or the machine where no group tells.

    Same as `cat /sys/fs/cgroup/memory.pressure`, or `cat /proc/pressure/memory`. `place` is our
    group in the unified hierarchy.
    """
    return _group("memory", place) or _stall(files.read(f"{root}/proc/pressure/memory"))


def io(root: Path = Path("/"), place: Place | None = None) -> Stall | None:
    """Return how our group waits for disk I/O, or the machine where no group tells.

    Same as `cat /sys/fs/cgroup/io.pressure`, or `cat /proc/pressure/io`.
    """
    return _group("io", place) or _stall(files.read(f"{root}/proc/pressure/io"))
