"""What stands in the way of this worker, and how is it mended?

Covers: looking, one check after another, at a worker that runs, or at the machine alone.
Leaves out: whether it can take a job now (`podkeeper status`), what went wrong before (`podkeeper
incidents`). Nothing is changed, and nothing that is secret is shown.

A new check is a function from the scene to what it found, named in `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor import gpus, machine, memory, place, ports, private, processor, room
from podkeeper.doctor.check import Check, Examination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from podkeeper.doctor.scene import Scene

CHECKS: tuple[Callable[[Scene], Iterable[Check]], ...] = (
    machine.worker,
    place.isolation,
    ports.reachable,
    ports.control,
    private.socket,
    private.folders,
    private.variables,
    private.environments,
    machine.disk,
    room.mounts,
    room.cleanings,
    room.open_files,
    memory.limit,
    memory.group,
    memory.waiting,
    memory.swap,
    memory.shared,
    processor.quota,
    processor.threads,
    gpus.gpus,
)


def examine(scene: Scene) -> Examination:
    """Return what all checks found."""
    return Examination(checks=[found for check in CHECKS for found in check(scene)])
