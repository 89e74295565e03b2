"""Has a dead WebUI's GPU memory come back?

Covers: what is in use on a GPU while no WebUI of ours runs on it (the baseline), and whether the
next WebUI may be started yet. Of the GPU as a whole: in a container memory cannot be told by pid.
Leaves out: reading it (`probes.gpus`), starting (`policy.duty`), memory that a living WebUI cannot
use (`policy.fragmentation`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Finding

if TYPE_CHECKING:
    from podkeeper.policy.gpu_finding import Answer


@dataclass(frozen=True)
class Rules:
    """How much must come back, and how long that is waited for."""

    #: In use without a WebUI; None where that is to be learnt.
    baseline_bytes: int | None
    #: What is taken for it where the GPU was never seen without a WebUI.
    idle_bytes: int
    #: Above the baseline, what still counts as given back.
    slack_bytes: int
    wait_s: float
    #: What memory that does not come back calls for.
    answer: Answer


@dataclass(frozen=True)
class Seen:
    """What is seen of one GPU at one instant. Unknown is None."""

    #: On the monotonic clock.
    at_s: float
    gpu: int
    used_bytes: int | None
    #: Whether a process of a WebUI on this GPU is still there, its main process or any other.
    occupied: bool
    capacity_bytes: int | None = None
    processes: int | None = None


@dataclass(frozen=True)
class Standing:
    """What is remembered of one GPU. It holds for one start of the worker on one GPU only."""

    #: The least that was in use without a WebUI; None before that was seen.
    baseline_bytes: int | None = None
    #: Whether a WebUI has run on it: what is in use after it may be left by it.
    was_occupied: bool = False
    #: Since when its WebUI is gone and its memory is not back.
    waiting_since_s: float | None = None
    #: Whether it was found that it does not come back.
    told: bool = False


@dataclass(frozen=True)
class Gate:
    """Whether the next WebUI may be started, and what was found."""

    may_start: bool
    finding: Finding | None = None


def baseline_bytes(known: Standing, rules: Rules) -> int:
    """Return what is in use without a WebUI: as set, as seen, or as it is taken to be."""
    if rules.baseline_bytes is not None:
        return rules.baseline_bytes
    return rules.idle_bytes if known.baseline_bytes is None else known.baseline_bytes


def is_back(used_bytes: int | None, baseline_bytes: int, slack_bytes: int) -> bool | None:
    """Return whether what is in use is no more than without a WebUI; None where unknown."""
    return None if used_bytes is None else used_bytes <= baseline_bytes + slack_bytes


def judge(before: Standing, seen: Seen, rules: Rules) -> tuple[Standing, Gate]:
    """Return what to remember, and whether a WebUI may be started on this GPU now.

    While nobody knows what is in use, nothing is held up.
    """
    if seen.occupied:
        cleared = replace(before, was_occupied=True, waiting_since_s=None, told=False)
        return cleared, Gate(may_start=True)
    if seen.used_bytes is None:
        return before, Gate(may_start=True)
    back = is_back(seen.used_bytes, baseline_bytes(before, rules), rules.slack_bytes)
    if back or not before.was_occupied:
        return _learnt(before, seen.used_bytes), Gate(may_start=True)
    return _waiting(before, seen, rules)


def _learnt(before: Standing, used_bytes: int) -> Standing:
    """Return the baseline with one more look at it: the least, so that leftovers never raise it."""
    known = before.baseline_bytes
    least = used_bytes if known is None else min(known, used_bytes)
    return replace(before, baseline_bytes=least, waiting_since_s=None, told=False)


def _waiting(before: Standing, seen: Seen, rules: Rules) -> tuple[Standing, Gate]:
    since_s = seen.at_s if before.waiting_since_s is None else before.waiting_since_s
    after = replace(before, waiting_since_s=since_s)
    if before.told:
        return after, Gate(may_start=True)
    if seen.at_s - since_s < rules.wait_s:
        return after, Gate(may_start=False)
    return replace(after, told=True), Gate(
        may_start=True, finding=_finding(before, seen, rules, seen.at_s - since_s)
    )


def _finding(known: Standing, seen: Seen, rules: Rules, waited_s: float) -> Finding:
    used, baseline = seen.used_bytes or 0, baseline_bytes(known, rules)
    return Finding(
        gpu=seen.gpu,
        cause=Cause.VRAM_ORPHAN,
        answer=rules.answer,
        sentence=(
            f"still has {used - baseline} bytes of memory in use {waited_s:.0f} s after its WebUI's"
            f" end ({used} bytes, {baseline} without a WebUI)"
        ),
        at_s=seen.at_s,
        evidence={
            "vram_used_bytes": used,
            "vram_baseline_bytes": baseline,
            "vram_slack_bytes": rules.slack_bytes,
            "vram_capacity_bytes": seen.capacity_bytes,
            "gpu_processes": seen.processes,
            "waited_s": round(waited_s, 3),
        },
    )
