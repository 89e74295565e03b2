"""How much memory is there, who says so, and what stands in the way of knowing more?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, fact, good
from podkeeper.probes import bounds, cgroup, groups, meminfo, process, psi
from podkeeper.probes import disk as disks
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene
    from podkeeper.probes.bounds import Bounds

SHARED = "/dev/shm"  # noqa: S108 - looked at, not written to
#: What a container gets there where nobody asks for more.
_DEFAULT_SHM_BYTES = 64 << 20


def _in_words(found: Bounds, place: groups.Place | None) -> dict[str, int | None]:
    """Return every bound in words, with its size."""
    limit, promised, total = found.limit, found.promised_bytes, found.machine.total_bytes
    if limit is not None:
        group = f"the cgroup {limit.folder} allows {format_size(limit.size_bytes)}"
    else:
        group = "no cgroup can be seen" if place is None else "no cgroup has a limit"
    variable = bounds.VARIABLE
    said = f"{variable} is not set" if promised is None else f"{variable}: {format_size(promised)}"
    machine = "its size is unknown" if total is None else f"the machine has {format_size(total)}"
    return {group: limit.size_bytes if limit else None, said: promised, machine: total}


def limit(scene: Scene) -> Iterator[Check]:
    """Yield which memory limit binds, and why the others do not."""
    name, why = "memory limit", "every limit of a program is a share of it"
    place = groups.find("memory", scene.root)
    found = bounds.bounds(scene.environ, scene.root, place)
    capacity_bytes, words = found.capacity_bytes, _in_words(found, place)
    if capacity_bytes is None:
        mend = f"mount /proc, or set {bounds.VARIABLE} to the gigabytes that were paid for"
        yield bad(name, "; ".join(words), why, mend)
        return
    binding = next(each for each, size_bytes in words.items() if size_bytes == capacity_bytes)
    others = [each for each in words if each != binding]
    seen = f"{format_size(capacity_bytes)}: {binding} ({'; '.join(others)})"
    said = scene.environ.get(bounds.VARIABLE)
    if said and found.promised_bytes is None:
        mend = "set it to the gigabytes that were paid for, or unset it"
        yield doubtful(name, f"{seen}; {bounds.VARIABLE} = {said!r} is no number", why, mend)
    elif scene.plan is not None and scene.plan.memory_capacity_bytes != capacity_bytes:
        planned = format_size(scene.plan.memory_capacity_bytes)
        mend = "restart the worker, in the environment in which it is checked"
        yield doubtful(name, f"{seen}; the worker was planned for {planned}", why, mend)
    else:
        yield good(name, seen, why)


def group(scene: Scene) -> Iterator[Check]:
    """Yield what the memory cgroup tells."""
    name, why = "memory cgroup", "it tells limits, and kills by the kernel, of the container"
    mend = "let the container see its own /sys/fs/cgroup; read-only is enough"
    place = groups.find("memory", scene.root)
    if place is None:
        yield doubtful(name, "none can be seen", why, mend)
        return
    seen = f"version {place.version} at {place.folder}"
    found = bounds.bounds(scene.environ, scene.root, place)
    events = cgroup.memory_events(found, place)
    if events.oom_kills is None:
        yield doubtful(name, f"{seen}, but it cannot be read", why, mend)
    else:
        met = "unknown" if events.limit_hits is None else f"met {events.limit_hits} times"
        yield good(name, f"{seen}: limit {met}, {events.oom_kills} kills by the kernel", why)


def waiting(scene: Scene) -> Iterator[Check]:
    """Yield whether the kernel tells how long processes wait."""
    name, why = "pressure (PSI)", "it tells how long processes wait for memory and disks"
    place = groups.find(groups.UNIFIED, scene.root)
    whose = "of our own cgroup" if psi.cpu_of_group(place) is not None else "of the whole machine"
    found = psi.memory(scene.root, place)
    if found is None:
        mend = "boot the kernel with psi=1, or let the container see /proc/pressure"
        yield fact(name, "the kernel does not tell; judged without it", why, mend)
    else:
        yield good(name, f"{whose}: {found.some_ratio:.0%} of the last 10 s for memory", why)


def swap(scene: Scene) -> Iterator[Check]:
    """Yield whether programs are swapped out."""
    name, why = "swap", "a program that is swapped out is as slow as one that hangs"
    total_bytes = meminfo.machine(scene.root).swap_total_bytes
    if not total_bytes:
        yield good(name, "unknown" if total_bytes is None else "off", why)
        return
    pids = [pid for family in scene.families.values() for pid in family]
    held = [process.holdings_of(pid, scene.root).swap_bytes or 0 for pid in pids]
    seen = (
        f"{format_size(total_bytes)}, of which this worker's programs hold {format_size(sum(held))}"
    )
    if any(held):
        mend = "swapoff -a, a lower webui.memory_hard, or a machine with more memory"
        yield doubtful(name, seen, why, mend)
    else:
        yield good(name, seen, why)


def shared(scene: Scene) -> Iterator[Check]:
    """Yield how much shared memory there may be."""
    name, why = f"room on {SHARED}", "torch hands tensors on through it, and dies where it is full"
    mend = "give the container more (docker run --shm-size 1g); it counts as memory once used"
    found = disks.disk(SHARED, scene.root)
    if found is None or found.capacity_bytes is None or found.available_bytes is None:
        yield doubtful(name, "it is not there", why, mend)
        return
    free = format_size(found.available_bytes)
    seen = f"{free} of {format_size(found.capacity_bytes)} free"
    if found.available_bytes == 0:
        yield bad(name, seen, why, mend)
    elif found.capacity_bytes <= _DEFAULT_SHM_BYTES:
        yield doubtful(name, seen, why, mend)
    else:
        yield good(name, seen, why)
