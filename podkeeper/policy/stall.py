"""Since when has nothing moved?

Covers: one window over everything that shows work: a job's progress, processor time, GPU use, bytes
read and written. Whatever moves starts the window anew, so that a slow job is never taken for a
hung one. A counter that falls has moved too: a process of the tree has ended.
Leaves out: what follows from it (`policy.hang`).
Unknown readings neither convict nor acquit; without processor time there is no window at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Signs:
    """What shows work, at one instant. Unknown is None."""

    #: When it was read, on the monotonic clock.
    at_s: float
    #: Processor time of the process tree so far.
    cpu_s: float | None
    #: When the job in hand moved last; None where there is no such job.
    moved_at_s: float | None = None
    #: Busiest GPU that the program can use, from 0 to 1.
    gpu_ratio: float | None = None
    #: Bytes read and written by the process tree so far.
    io_bytes: int | None = None
    #: Share of the time in which somebody on this machine waits for a processor, from 0 to 1.
    cpu_wait_ratio: float | None = None


@dataclass(frozen=True)
class Lines:
    """How much is nothing: a hung program still answers probes, or turns in a wait loop."""

    window_s: float
    #: Processor time within the window, as a share of one core, that is still standing still.
    cpu_ratio: float
    gpu_ratio: float
    #: Bytes within the window.
    io_bytes: int


@dataclass(frozen=True)
class Still:
    """Since when nothing has moved, and what the counters were then."""

    since_s: float
    cpu_s: float
    io_bytes: int | None = None


def _still_cpu_s(signs: Signs, lines: Lines) -> float:
    """Return how much processor time within the window is still standing still.

    Where everybody waits for a processor a program at work gets little of one, and a hung program
    that answers probes gets less by the same measure.
    """
    had_ratio = 1.0 - (signs.cpu_wait_ratio or 0.0)
    return lines.cpu_ratio * lines.window_s * had_ratio


def _moved(before: Still, signs: Signs, lines: Lines) -> bool:
    cpu_s = (signs.cpu_s or 0.0) - before.cpu_s
    io_bytes = 0
    if signs.io_bytes is not None and before.io_bytes is not None:
        io_bytes = signs.io_bytes - before.io_bytes
    return (
        (signs.moved_at_s is not None and signs.moved_at_s > before.since_s)
        or not 0 <= cpu_s <= _still_cpu_s(signs, lines)
        or not 0 <= io_bytes <= lines.io_bytes
        or (signs.gpu_ratio is not None and signs.gpu_ratio > lines.gpu_ratio)
    )


def look(before: Still | None, signs: Signs, lines: Lines) -> Still | None:
    """Return since when nothing has moved, or None where that cannot be known."""
    if signs.cpu_s is None:
        return None
    if before is None or _moved(before, signs, lines):
        return Still(signs.at_s, signs.cpu_s, signs.io_bytes)
    if before.io_bytes is None:
        return replace(before, io_bytes=signs.io_bytes)
    return before


def stands(still: Still | None, at_s: float, window_s: float) -> bool:
    """Return whether nothing has moved for a whole window."""
    return still is not None and at_s - still.since_s >= window_s
