"""How much processor is there, and do the programs know it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, doubtful, good
from podkeeper.probes import cpu, files
from podkeeper.settings.cpu import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene

_WHY = "threads beyond the quota make all stand still for a part of every period"
_MEND = 'set cpu.webui_threads = "auto" and restart the worker'


def _throttled(found: cpu.Quota) -> str:
    counts = cpu.throttling(found)
    if not counts.periods or counts.throttled_periods is None:
        return "cut short so far: unknown"
    return f"{counts.throttled_periods / counts.periods:.0%} of its periods were cut short so far"


def quota(scene: Scene) -> Iterator[Check]:
    """Yield how many processors may be used, and what bounds them."""
    affinity, found = cpu.affinity_cores(), cpu.quota(scene.root)
    name = "processors"
    if found is None:
        yield good(name, f"{affinity}, no quota", _WHY)
    else:
        seen = f"a quota of {found.cores:g} ({found.folder}) on {affinity}; {_throttled(found)}"
        yield good(name, seen, _WHY)


def _told(scene: Scene, pid: int) -> dict[str, str] | None:
    """Return the thread variables of a process, or None where they may not be seen."""
    content = files.read(f"{scene.root}/proc/{pid}/environ")
    if content is None:
        return None
    pairs = (entry.partition(b"=") for entry in content.split(b"\0"))
    told = {
        name.decode(errors="replace"): value.decode(errors="replace") for name, _, value in pairs
    }
    return {name: told[name] for name in VARIABLES if name in told}


def threads(scene: Scene) -> Iterator[Check]:
    """Yield how many threads each WebUI was told to start."""
    found = cpu.quota(scene.root)
    bound = found.cores if found is not None and found.cores < cpu.affinity_cores() else None
    for program, pid in scene.running:
        told = _told(scene, pid) if program.role == "webui" else None
        if told is None:
            continue
        name = f"threads of {program.name}"
        seen = ", ".join(f"{each} = {value}" for each, value in told.items()) or "not told"
        numbers = [int(value) for value in told.values() if value.isdigit()]
        if bound is not None and (not numbers or max(numbers) > max(1.0, bound)):
            yield doubtful(name, f"{seen}, under a quota of {bound:g}", _WHY, _MEND)
        else:
            yield good(name, seen, _WHY)
