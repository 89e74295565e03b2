"""How much processor time may the container use, and how much has it used?

Covers: quota of cgroup v1 and v2, affinity, time used.
Leaves out: processor time of single programs (`probes.proc`).
"""

from __future__ import annotations

import os
from pathlib import Path

from podkeeper.probes import files, groups


def _quota_cores(place: groups.Place, folder: str) -> float | None:
    if place.version == 1:
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


def capacity_cores(
    affinity: int, root: Path = Path("/"), place: groups.Place | None = None
) -> float | None:
    """Return how many cores may be used at once: the smallest quota that binds us, or affinity.

    Same as quota over period of `cat /sys/fs/cgroup/cpu.max` (v1: `cpu/cpu.cfs_quota_us` and
    `cpu/cpu.cfs_period_us`), and `nproc`.
    """
    place = place or groups.find("cpu", root)
    quotas = [_quota_cores(place, folder) for folder in place.levels()] if place else []
    return min((cores for cores in (*quotas, float(affinity)) if cores), default=None)


def used_s(root: Path = Path("/"), place: groups.Place | None = None) -> float | None:
    """Return the processor time our group has used, in seconds.

    Same as `grep usage_usec /sys/fs/cgroup/cpu.stat` (v1: `cat cpuacct/cpuacct.usage`, in ns).
    """
    place = place or groups.find("cpuacct", root)
    if place is None:
        return None
    if place.version == 1:
        used_ns = files.number(f"{place.folder}/cpuacct.usage")
        return None if used_ns is None else used_ns / 1e9
    used_us = files.table(f"{place.folder}/cpu.stat", "usage_usec").get("usage_usec")
    return None if used_us is None else used_us / 1e6
