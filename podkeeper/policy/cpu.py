"""How much of the processors' time is left?

Covers: from what the quota takes away and from who waits for a processor to one headroom, which is
judged like all others (`policy.pressure`). When it is short, background work waits so that jobs do
not: cleaning a disk whose pressure is only soft, and warming the page cache with models that no job
has asked for. Not background are jobs, probes, restarts, and cleaning a disk that is nearly full.
Leaves out: how it was read (`podkeeper.probes.cpu`, `podkeeper.probes.psi`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seen:
    """The signs at one instant. Unknown is None."""

    #: Whether there is a quota; then only what it does to us counts beside our own waiting.
    quota: bool = False
    #: Share of the quota's periods in which the container was made to stand still.
    throttled_ratio: float | None = None
    #: Share of the time in which somebody of the container waited for a processor.
    own_wait_ratio: float | None = None
    #: The same of the whole machine, which may have other tenants.
    machine_wait_ratio: float | None = None
    #: Threads of the machine that want to run, and its cores.
    runnable: int | None = None
    machine_cores: int | None = None


@dataclass(frozen=True)
class Left:
    """What is left, and what it is in words."""

    #: Share of the time in which nobody has to wait: 1 is all of it.
    ratio: float
    words: str


def _own(seen: Seen) -> list[Left]:
    signs = (
        (seen.throttled_ratio, "{:.0%} of the quota's periods are cut short"),
        (seen.own_wait_ratio, "somebody waits for a processor {:.0%} of the time"),
    )
    return [Left(1 - value, words.format(value)) for value, words in signs if value is not None]


def _machine(seen: Seen) -> Left | None:
    if seen.machine_wait_ratio is not None:
        waiting = seen.machine_wait_ratio
        return Left(1 - waiting, f"somebody of the machine waits {waiting:.0%} of the time")
    if seen.runnable is None or not seen.machine_cores:
        return None
    words = f"{seen.runnable} threads want to run on {seen.machine_cores} cores"
    return Left(min(1.0, seen.machine_cores / max(seen.runnable, 1)), words)


def left(seen: Seen) -> Left | None:
    """Return the least that is left by what is known of the container, or None where nothing is.

    The machine counts only where nothing is known of us alone.
    """
    own = _own(seen)
    if own:
        return min(own, key=lambda each: each.ratio)
    return None if seen.quota else _machine(seen)
