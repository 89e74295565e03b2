"""How much memory may the container use, and how much can it not do without?

Covers: the capacity from cgroup v1 and v2, the platform's variable and the machine; the working
set; the kernel's out-of-memory kills.
Leaves out: memory of single programs (`probes.proc`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.model.snapshot import ContainerMemory
from podkeeper.probes import files, groups, meminfo

if TYPE_CHECKING:
    from collections.abc import Mapping

#: v1 says "no limit" by the largest number of pages there is; nobody has four exbibytes.
_UNLIMITED_BYTES = 1 << 62
#: RunPod counts in decimal gigabytes; where that is wrong it errs to the safe side.
_GB = 1000**3


class _Limit(NamedTuple):
    size_bytes: int
    #: The group that has it, whose usage counts against it.
    folder: str


def _files(place: groups.Place) -> tuple[str, str, str]:
    """Return the names of limit, usage and what of the usage can be dropped."""
    if place.version == 1:
        return "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
    return "memory.max", "memory.current", "inactive_file"


def _tightest(place: groups.Place | None) -> _Limit | None:
    limits = []
    for folder in place.levels() if place else ():
        size_bytes = files.number(f"{folder}/{_files(place)[0]}")  # type: ignore[arg-type]
        if size_bytes is not None and size_bytes < _UNLIMITED_BYTES:
            limits.append(_Limit(size_bytes, folder))
    return min(limits, default=None)


def _promised_bytes(environ: Mapping[str, str]) -> int | None:
    try:
        promised = float(environ.get("RUNPOD_MEM_GB", ""))
        return int(promised * _GB) if promised > 0 else None
    except (ValueError, OverflowError):  # absent or nonsense, "nan" and "inf" included
        return None


def _smallest(*sizes: int | None) -> int | None:
    return min((size for size in sizes if size is not None), default=None)


def _group_working_set(place: groups.Place, folder: str) -> int | None:
    _, usage, droppable = _files(place)
    used_bytes = files.number(f"{folder}/{usage}")
    dropped_bytes = files.table(f"{folder}/memory.stat", droppable).get(droppable)
    if used_bytes is None or dropped_bytes is None:
        return None
    return max(0, used_bytes - dropped_bytes)


class _Bounds(NamedTuple):
    """Everything that bounds our memory, looked up once."""

    limit: _Limit | None
    promised_bytes: int | None
    machine: meminfo.Machine

    def capacity(self) -> int | None:
        group_bytes = self.limit.size_bytes if self.limit else None
        return _smallest(group_bytes, self.promised_bytes, self.machine.total_bytes)

    def working_set(self, place: groups.Place | None) -> int | None:
        total_bytes = self.machine.total_bytes
        if total_bytes is not None and total_bytes == self.capacity():
            return self.machine.used_bytes
        if place is None:
            return None
        return _group_working_set(place, self.limit.folder if self.limit else place.folder)


def _bounds(environ: Mapping[str, str], root: Path, place: groups.Place | None) -> _Bounds:
    return _Bounds(_tightest(place), _promised_bytes(environ), meminfo.machine(root))


def memory_capacity(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> int | None:
    """Return the smallest memory limit that applies, in bytes.

    Same as the smallest of `cat /sys/fs/cgroup/memory.max` (v1:
    `/sys/fs/cgroup/memory/memory.limit_in_bytes`) of our group and those above it, of
    `echo $RUNPOD_MEM_GB` and of `grep MemTotal /proc/meminfo`.
    """
    return _bounds(environ, root, place or groups.find("memory", root)).capacity()


def working_set(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> int | None:
    """Return what counts against the capacity and cannot be dropped, in bytes.

    It is read where the limit is: usage less inactive file pages of the group that has the
    tightest one, as `kubectl top` and cAdvisor show; the machine's (`free -b`) where no group has
    one; our own group's where only the platform's variable tells the capacity.
    """
    place = place or groups.find("memory", root)
    return _bounds(environ, root, place).working_set(place)


def oom_kills(root: Path = Path("/"), place: groups.Place | None = None) -> int | None:
    """Return how many processes of our group the kernel has killed for memory.

    Same as `grep oom_kill /sys/fs/cgroup/memory.events` (v1: `memory/memory.oom_control`).
    """
    place = place or groups.find("memory", root)
    if place is None:
        return None
    name = "memory.oom_control" if place.version == 1 else "memory.events"
    return files.table(f"{place.folder}/{name}", "oom_kill").get("oom_kill")


def container_memory(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> ContainerMemory:
    """Return all of it as one value of the snapshot."""
    place = place or groups.find("memory", root)
    bounds = _bounds(environ, root, place)
    return ContainerMemory(
        capacity_bytes=bounds.capacity(),
        working_set_bytes=bounds.working_set(place),
        oom_kills=oom_kills(root, place),
    )
