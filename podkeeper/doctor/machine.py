"""Does a worker run here, and has its ledger room?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.probes import disk as disks
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from podkeeper.doctor.scene import Scene


def worker(scene: Scene) -> Iterator[Check]:
    """Yield whether there is a worker to look at."""
    why = "most of what can be wrong shows only in a worker that runs"
    if scene.pids is None:
        yield doubtful("worker", f"none runs: {scene.obstacle}", why, "podkeeper up")
    else:
        yield good("worker", f"runs: {', '.join(scene.pids) or 'no program at present'}", why)


def _there(folder: Path) -> Path:
    """Return the nearest folder above that is there: a state folder is made at the first start."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def disk(scene: Scene) -> Iterator[Check]:
    """Yield whether ledger and results have room to grow to their bounds."""
    name, why = "disk of the state folder", "without room no incident and no job is written down"
    folder = _there(scene.state_dir)
    found = disks.disk(str(folder))
    available_bytes = None if found is None else found.available_bytes
    mend = "make room, or set worker.state_dir to a folder elsewhere"
    if available_bytes is None:
        yield doubtful(name, f"{folder} does not tell its room", why, mend)
        return
    chosen = scene.settings
    needed_bytes = chosen.ledger.max_bytes + chosen.journal.max_bytes
    needed = format_size(needed_bytes)
    seen = f"{format_size(available_bytes)} free for ledger and results of up to {needed}"
    if available_bytes == 0:
        yield bad(name, seen, why, mend)
    elif available_bytes < needed_bytes:
        yield doubtful(name, seen, why, mend)
    else:
        yield good(name, seen, why)
