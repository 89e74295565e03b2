"""What does a WebUI say of its card, and what does that make of a job's peak?

Covers: the answers of `/sdapi/v1/memory` and of podkeeper's extension as one value, the memory that
jobs may be planned into, and what two readings around a request tell of it. Pure.
Leaves out: asking (`planning`).

Peaks are counted as the estimate counts them: what torch reserves, and the CUDA context by its
declared constant, which stands on both sides of every comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from podkeeper.policy.batch_plan import Room
from podkeeper.policy.calibration import Measured

if TYPE_CHECKING:
    from podkeeper.units import Amount


@dataclass(frozen=True)
class Reading:
    """One card as the WebUI on it sees it. Sizes are in bytes."""

    total_bytes: int
    #: Free on the whole card, whoever uses the rest.
    free_bytes: int
    #: What torch holds now.
    reserved_bytes: int
    #: The most it has held: in the last job where those are counted, else since its start.
    peak_bytes: int | None
    #: Out-of-memories so far.
    ooms: int | None
    #: Jobs that have ended, where each job's peak is counted; None where only a record is kept.
    jobs: int | None = None


def _whole(*values: object) -> bool:
    return all(isinstance(each, int) and not isinstance(each, bool) for each in values)


def _at(data: object, *names: str) -> Any:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return int(data) if isinstance(data, float) and data.is_integer() else data


def of_memory(answer: object) -> Reading | None:
    """Return what `/sdapi/v1/memory` says, or None where it speaks of no card."""
    total, free = _at(answer, "cuda", "system", "total"), _at(answer, "cuda", "system", "free")
    reserved = _at(answer, "cuda", "reserved", "current")
    if not _whole(total, free, reserved):
        return None
    peak, ooms = _at(answer, "cuda", "reserved", "peak"), _at(answer, "cuda", "events", "oom")
    return Reading(
        total, free, reserved, peak if _whole(peak) else None, ooms if _whole(ooms) else None
    )


def of_extension(answer: object) -> Reading | None:
    """Return what podkeeper's extension says, or None where it speaks of no card."""
    total = _at(answer, "device", "total_bytes")
    free = _at(answer, "device", "free_bytes")
    reserved = _at(answer, "torch", "reserved_bytes")
    if not _whole(total, free, reserved):
        return None
    peak, jobs = _at(answer, "jobs", "last", "reserved_peak_bytes"), _at(answer, "jobs", "ended")
    ooms = _at(answer, "torch", "ooms")
    return Reading(
        *(total, free, reserved),
        peak if _whole(peak) else None,
        ooms if _whole(ooms) else None,
        jobs if _whole(jobs) else None,
    )


def room_of(total_bytes: int, most_bytes: int, reserve: Amount) -> Room:
    """Return what a card leaves jobs, of which the reserve is not planned with."""
    return Room(most_bytes - reserve.of(total_bytes), most_bytes)


def room(reading: Reading, context_bytes: int, reserve: Amount) -> Room:
    """Return how much a job may take, the model's weights and the context included."""
    ours = reading.reserved_bytes + context_bytes
    most = min(reading.free_bytes + ours, reading.total_bytes)
    return room_of(reading.total_bytes, most, reserve)


def measured(before: Reading | None, after: Reading | None, context_bytes: int) -> Measured | None:
    """Return what two readings around one request tell of its peak, or None where nothing.

    Without the extension only a record of the process is kept: a request that raised it has that
    for its peak, any other took no more.
    """
    if after is None or after.peak_bytes is None:
        return None
    peak = float(after.peak_bytes + context_bytes)
    if after.jobs is None:
        known = before.peak_bytes if before is not None and before.jobs is None else None
        return Measured(peak, exact=known is not None and after.peak_bytes > known)
    counted = before is not None and before.jobs is not None and after.jobs == before.jobs + 1
    return Measured(peak, exact=True) if counted else None


def ooms_of(reading: Reading | None) -> int | None:
    """Return the out-of-memories so far, where they are known."""
    return None if reading is None else reading.ooms
