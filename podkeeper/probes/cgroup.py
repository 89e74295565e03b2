"""How much memory may the container use, and how does it stand with that?

Covers: the working set and what it is made of, how often a limit was met, the kernel's
out-of-memory kills, for cgroup v1 and v2.
Leaves out: which limits there are (`probes.bounds`), memory of single programs (`probes.proc`).
Use is read where the limit is: in the group that has the tightest one, on the machine where none
has one, in our own group where only the platform's variable tells the capacity.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.model.snapshot import ContainerMemory
from podkeeper.probes import files, groups
from podkeeper.probes.bounds import Bounds, bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

_V1 = 1
_EVENTS = ("high", "max", "oom_kill")


class Use(NamedTuple):
    """What a group, or the machine, uses; None where that is unknown."""

    usage_bytes: int | None = None
    #: Usage less inactive file pages: what cannot be dropped.
    working_set_bytes: int | None = None
    anon_bytes: int | None = None
    swap_bytes: int | None = None


class Events(NamedTuple):
    """What happened to a group since it was made; None where that is unknown."""

    limit_hits: int | None = None
    high_hits: int | None = None
    oom_kills: int | None = None


def _use_v1(folder: str) -> Use:
    usage_bytes = files.number(f"{folder}/memory.usage_in_bytes")
    names = ("total_inactive_file", "total_rss", "total_swap")
    dropped, anon, swap = map(files.table(f"{folder}/memory.stat", *names).get, names)
    return Use(usage_bytes, _less(usage_bytes, dropped), anon, swap)


def _use_v2(folder: str) -> Use:
    usage_bytes = files.number(f"{folder}/memory.current")
    names = ("inactive_file", "anon")
    dropped, anon = map(files.table(f"{folder}/memory.stat", *names).get, names)
    swap = files.number(f"{folder}/memory.swap.current")
    return Use(usage_bytes, _less(usage_bytes, dropped), anon, swap)


def _less(usage_bytes: int | None, dropped_bytes: int | None) -> int | None:
    if usage_bytes is None or dropped_bytes is None:
        return None
    return max(0, usage_bytes - dropped_bytes)


def memory_use(found: Bounds, place: groups.Place | None) -> Use:
    """Return what is used of the capacity that is bounded so, in bytes.

    Same as `cat memory.current memory.swap.current` (v1: `memory.usage_in_bytes`) and
    `grep -E '^anon|^inactive_file' memory.stat` (v1: `grep total_ memory.stat`) in the folder below
    /sys/fs/cgroup that has the limit; of a machine without one, `free -b`. The working set is what
    `kubectl top` and cAdvisor show.
    """
    machine = found.machine
    if found.of_machine:
        return Use(
            machine.filled_bytes, machine.used_bytes, machine.anon_bytes, machine.swap_used_bytes
        )
    if place is None:
        return Use()
    folder = found.limit.folder if found.limit else place.folder
    return _use_v1(folder) if place.version == _V1 else _use_v2(folder)


def _oom_kills_v1(place: groups.Place) -> int | None:
    return files.table(f"{place.folder}/memory.oom_control", "oom_kill").get("oom_kill")


def memory_events(found: Bounds, place: groups.Place | None) -> Events:
    """Return how often the limit that binds was met, and how many of our own group were killed.

    Same as `cat /sys/fs/cgroup/memory.events` (v1: `memory/memory.failcnt` and
    `grep oom_kill memory/memory.oom_control`).
    """
    if place is None:
        return Events()
    folder = found.limit.folder if found.limit else place.folder
    if place.version == _V1:
        return Events(files.number(f"{folder}/memory.failcnt"), None, _oom_kills_v1(place))
    own = files.table(f"{place.folder}/memory.events", *_EVENTS)
    met = own if folder == place.folder else files.table(f"{folder}/memory.events", *_EVENTS)
    return Events(met.get("max"), met.get("high"), own.get("oom_kill"))


def memory_capacity(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> int | None:
    """Return the smallest memory limit that applies, in bytes.

    Same as the smallest of `cat /sys/fs/cgroup/memory.max` (v1:
    `/sys/fs/cgroup/memory/memory.limit_in_bytes`) of our group and those above it, of
    `echo $RUNPOD_MEM_GB` and of `grep MemTotal /proc/meminfo`.
    """
    return bounds(environ, root, place or groups.find("memory", root)).capacity_bytes


def working_set(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> int | None:
    """Return what counts against the capacity and cannot be dropped, as `memory_use` does."""
    place = place or groups.find("memory", root)
    return memory_use(bounds(environ, root, place), place).working_set_bytes


def oom_kills(root: Path = Path("/"), place: groups.Place | None = None) -> int | None:
    """Return how many processes of our group the kernel has killed for memory.

    Same as `grep oom_kill /sys/fs/cgroup/memory.events` (v1: `memory/memory.oom_control`).
    """
    place = place or groups.find("memory", root)
    if place is None:
        return None
    if place.version == _V1:
        return _oom_kills_v1(place)
    return files.table(f"{place.folder}/memory.events", "oom_kill").get("oom_kill")


def container_memory(
    environ: Mapping[str, str], root: Path = Path("/"), place: groups.Place | None = None
) -> ContainerMemory:
    """Return all of it as one value of the snapshot; no file is read twice."""
    place = place or groups.find("memory", root)
    found = bounds(environ, root, place)
    use, events = memory_use(found, place), memory_events(found, place)
    return ContainerMemory(
        capacity_bytes=found.capacity_bytes,
        working_set_bytes=use.working_set_bytes,
        oom_kills=events.oom_kills,
        usage_bytes=use.usage_bytes,
        anon_bytes=use.anon_bytes,
        swap_bytes=use.swap_bytes,
        limit_hits=events.limit_hits,
        high_hits=events.high_hits,
    )
