"""What bounds the container's memory, and which of it is the tightest?

Covers: limits of cgroup v1 and v2, the platform's variable, the machine.
Leaves out: what is used of it (`probes.cgroup`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from podkeeper.probes import files, groups, meminfo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Where the platform says how much memory was paid for, in decimal gigabytes.
VARIABLE = "RUNPOD_MEM_GB"
#: Decimal as RunPod counts; where that is wrong it errs to the safe side.
_GB = 1000**3
#: v1 says "no limit" by the largest number of pages there is; nobody has four exbibytes.
_UNLIMITED_BYTES = 1 << 62
_FILES = {1: "memory.limit_in_bytes", 2: "memory.max"}


class Limit(NamedTuple):
    """The limit of one group."""

    size_bytes: int
    #: The group that has it, whose usage counts against it.
    folder: str


class Bounds(NamedTuple):
    """Everything that bounds our memory, looked up once. None is no bound, or an unknown one."""

    limit: Limit | None
    promised_bytes: int | None
    machine: meminfo.Machine

    @property
    def capacity_bytes(self) -> int | None:
        """Return the smallest of them."""
        group_bytes = self.limit.size_bytes if self.limit else None
        sizes = (group_bytes, self.promised_bytes, self.machine.total_bytes)
        return min((size for size in sizes if size is not None), default=None)

    @property
    def of_machine(self) -> bool:
        """Return whether the machine is what binds: then its use is what counts."""
        return (
            self.machine.total_bytes is not None and self.machine.total_bytes == self.capacity_bytes
        )


def tightest(place: groups.Place | None) -> Limit | None:
    """Return the smallest limit of our group and those above it.

    Same as `cat /sys/fs/cgroup/memory.max` (v1: `memory/memory.limit_in_bytes`) in each.
    """
    limits = []
    for folder in place.levels() if place else ():
        size_bytes = files.number(f"{folder}/{_FILES[place.version]}")  # type: ignore[union-attr]
        if size_bytes is not None and size_bytes < _UNLIMITED_BYTES:
            limits.append(Limit(size_bytes, folder))
    return min(limits, default=None)


def promised_bytes(environ: Mapping[str, str]) -> int | None:
    """Return what the platform promises; None where it says nothing, or no positive number."""
    try:
        promised = float(environ.get(VARIABLE, ""))
        return int(promised * _GB) if promised > 0 else None
    except (ValueError, OverflowError):  # absent or nonsense, "nan" and "inf" included
        return None


def bounds(environ: Mapping[str, str], root: Path, place: groups.Place | None) -> Bounds:
    """Return all that bounds our memory, of which `place` is the control group."""
    return Bounds(tightest(place), promised_bytes(environ), meminfo.machine(root))
