"""What does each method say to the memory of real pods?

A reading stands for a job here: the trace has no jobs, no checkpoints and no bytes. A limit is
assumed, which makes the step of 4 % that many curves show 2.7 GB: a checkpoint. Whether a pod that
rose leaks nobody knows; a pod that ended no higher than it began did not. Leaks are put on top of
the curves from a reading in the middle on, and count as found on pods where the method was silent.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.leak.methods import MB, NAMES, RULES, Projection, first_alarms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.common.trace import Pod

LIMIT_MB = 64 * 1024**3 / MB
#: The projection's budget: the shipped hard limit of a WebUI.
BUDGET_RATIO = 0.9
LEAKS_MB = (10, 20, 50)
LEAK_FROM = 600
_END_READINGS = 60
#: Less than this is the same height.
_SAME_MB = 640.0


@dataclass(frozen=True)
class Row:
    """What one method said of all pods."""

    method: str
    flagged: list[str]
    #: Of those, the ones that ended no higher than they began.
    flagged_level: list[str]
    #: For each leak: on how many silent pods it was found, and how many there were. A projection
    #: is silent about a leak that will not pass the budget.
    found: dict[int, tuple[int, int]]


def _held(pod: Pod, leak_mb: float) -> list[tuple[str, float]]:
    return [
        ("unknown", ratio * LIMIT_MB + leak_mb * max(0, number - LEAK_FROM))
        for number, ratio in enumerate(pod.used_ratio)
    ]


def is_level(pod: Pod) -> bool:
    """Return whether a pod ended no higher than it began, once warm."""
    used = pod.used_ratio[RULES.skip_jobs :]
    rise = statistics.median(used[-_END_READINGS:]) - statistics.median(used[:_END_READINGS])
    return rise * LIMIT_MB < _SAME_MB


def judge(pods: Sequence[Pod]) -> list[Row]:
    """Return a row for each method."""
    budget_mb = BUDGET_RATIO * LIMIT_MB
    level = {pod.name for pod in pods if is_level(pod)}
    long = [pod for pod in pods if len(pod.used_ratio) > 2 * LEAK_FROM]

    def alarms(chosen: Sequence[Pod], leak_mb: float) -> dict[str, dict[str, int | None]]:
        return {pod.name: first_alarms(_held(pod, leak_mb), budget_mb) for pod in chosen}

    plain = alarms(pods, 0)
    leaking = {leak_mb: alarms(long, leak_mb) for leak_mb in LEAKS_MB}

    def row(method: str) -> Row:
        flagged = [name for name, said in plain.items() if said[method] is not None]
        silent = [pod.name for pod in long if pod.name not in flagged]
        found = {
            leak_mb: (sum(said[name][method] is not None for name in silent), len(silent))
            for leak_mb, said in leaking.items()
            if method != Projection.name
        }
        return Row(method, flagged, [name for name in flagged if name in level], found)

    return [row(method) for method in NAMES]
