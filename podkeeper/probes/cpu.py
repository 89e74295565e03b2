"""How much processor time may the container use, and how much does it get?

Covers: quota of cgroup v1 and v2, affinity, time used, time taken away by the quota, the run queue.
Leaves out: processor time of single programs (`probes.proc`), waiting as PSI has it (`probes.psi`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from podkeeper.probes import files, groups

_V1 = 1
_STAT = ("usage_usec", "nr_periods", "nr_throttled", "throttled_usec", "throttled_time")


class Quota(NamedTuple):
    """The quota of one group."""

    cores: float
    #: The group that has it, and whose throttling is counted.
    folder: str


class Throttling(NamedTuple):
    """What the quota has done to a group since it was made; None where that is unknown."""

    #: Periods in which the group wanted to run.
    periods: int | None = None
    #: Those of them in which it had to stop before their end.
    throttled_periods: int | None = None
    #: How long it stood still, all processors added up, in seconds.
    throttled_s: float | None = None


class Times(NamedTuple):
    """What the container has had of the processors so far."""

    used_s: float | None
    throttling: Throttling


def _quota_cores(place: groups.Place, folder: str) -> float | None:
    if place.version == _V1:
        quota = files.number(f"{folder}/cpu.cfs_quota_us")
        period = files.number(f"{folder}/cpu.cfs_period_us")
    else:
        words = (files.read(f"{folder}/cpu.max") or b"").split()
        quota, period = (int(word) if word.isdigit() else None for word in (*words, b"", b"")[:2])
    # -1 or "max": no limit here.
    return quota / period if quota and period and quota > 0 else None


def affinity_cores() -> int:
    """Return how many cores this process may run on. Same as `nproc`."""
    return len(os.sched_getaffinity(0))


def machine_cores() -> int:
    """Return how many cores the machine has at work. Same as `getconf _NPROCESSORS_ONLN`."""
    return os.sysconf("SC_NPROCESSORS_ONLN")


def quota(root: Path = Path("/"), place: groups.Place | None = None) -> Quota | None:
    """Return the smallest quota of our group and those above it, or None where there is none.

    Same as quota over period of `cat /sys/fs/cgroup/cpu.max` (v1: `cpu/cpu.cfs_quota_us` and
    `cpu/cpu.cfs_period_us`).
    """
    place = place or groups.find("cpu", root)
    found = []
    for folder in place.levels() if place else ():
        cores = _quota_cores(place, folder)  # type: ignore[arg-type]
        if cores is not None:
            found.append(Quota(cores, folder))
    return min(found, default=None)


def capacity_cores(affinity: int, found: Quota | None) -> float | None:
    """Return how many cores may be used at once: by affinity or the quota, whichever is less.

    Same as the smaller of `nproc` and what `quota` reads.
    """
    return min((each for each in (affinity, found and found.cores) if each), default=None)


def _used_s(place: groups.Place, stat: dict[str, int]) -> float | None:
    if place.version == _V1:
        used_ns = files.number(f"{place.folder}/cpuacct.usage")
        return None if used_ns is None else used_ns / 1e9
    used_us = stat.get("usage_usec")
    return None if used_us is None else used_us / 1e6


def _throttling(stat: dict[str, int]) -> Throttling:
    throttled_us, throttled_ns = stat.get("throttled_usec"), stat.get("throttled_time")
    throttled_s = None if throttled_us is None else throttled_us / 1e6
    if throttled_ns is not None:
        throttled_s = throttled_ns / 1e9
    return Throttling(stat.get("nr_periods"), stat.get("nr_throttled"), throttled_s)


def _stat(folder: str) -> dict[str, int]:
    return files.table(f"{folder}/cpu.stat", *_STAT)


def throttling(found: Quota | None) -> Throttling:
    """Return what a quota has done to the group that has it; nothing is known without a quota.

    Same as `grep -E 'nr_|throttled_' /sys/fs/cgroup/cpu.stat` (v1: `cpu/cpu.stat`, in ns).
    """
    return Throttling() if found is None else _throttling(_stat(found.folder))


def times(accounting: groups.Place | None, found: Quota | None) -> Times:
    """Return the processor time our group has used, and what the quota has done to it.

    Same as `grep usage_usec /sys/fs/cgroup/cpu.stat` (v1: `cat cpuacct/cpuacct.usage`, in ns) of
    our own group, which `accounting` is, and `throttling`. A file that has both is read once.
    """
    own = _stat(accounting.folder) if accounting and accounting.version != _V1 else {}
    used = None if accounting is None else _used_s(accounting, own)
    if found is None or accounting is None or accounting.folder != found.folder:
        return Times(used, throttling(found))
    return Times(used, _throttling(own or _stat(found.folder)))


def runnable(root: Path = Path("/")) -> int | None:
    """Return how many threads of the machine run or wait for a processor at this instant.

    Same as the number before the slash of `cat /proc/loadavg`. Ours is among them.
    """
    words = (files.read(f"{root}/proc/loadavg") or b"").split()
    _, _, _, entities, *_ = *words, b"", b"", b"", b""
    count = entities.partition(b"/")[0]
    return int(count) if count.isdigit() else None
