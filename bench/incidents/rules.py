"""When does an incident begin? A bare line, the shipped rule, and what each part of it is worth.

A rule is fed one reading after another and says whether an incident is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.common import shipped
from podkeeper.policy import pressure

if TYPE_CHECKING:
    from bench.common.trace import Pod

#: The line on use that all rules share.
LINE_RATIO = 0.85
#: A reading comes about every 57 s: so many of them above the line are the grace time.
GRACE_READINGS = 3
BARE, SHIPPED = "bare line", "podkeeper"
_READING_S = 57.0
#: Use is counted in whole parts of the limit, as bytes are.
_WHOLE = 1_000_000


@dataclass(frozen=True)
class Rule:
    """Lines on use, as shares of the limit."""

    name: str
    grace_readings: int
    release_ratio: float
    hard_ratio: float | None


def _threshold(rule: Rule) -> pressure.Threshold:
    hard_ratio = rule.hard_ratio or 2.0  # nobody uses twice the limit
    return pressure.Threshold(
        round((1 - LINE_RATIO) * _WHOLE),
        round((1 - hard_ratio) * _WHOLE),
        round((1 - rule.release_ratio) * _WHOLE),
        (rule.grace_readings - 1) * _READING_S,
    )


def rules() -> list[Rule]:
    """Return the rules: the bare line first, the shipped one last, its parts between."""
    settings = shipped.settings()
    release = LINE_RATIO * settings.memory.release_ratio
    hard = settings.webui.memory_hard.ratio
    return [
        Rule(BARE, 1, LINE_RATIO, None),
        Rule("with grace", GRACE_READINGS, LINE_RATIO, None),
        Rule("with release", 1, release, None),
        Rule("with both", GRACE_READINGS, release, None),
        Rule(SHIPPED, GRACE_READINGS, release, hard),
    ]


def openings(rule: Rule, pod: Pod) -> int:
    """Return how many incidents a rule opens on one pod, by the policy's own judge."""
    threshold, standing, opened = _threshold(rule), pressure.Standing(), 0
    for at_s, used_ratio in zip(pod.at_s, pod.used_ratio, strict=True):
        before = standing.pressure
        headroom = round((1 - used_ratio) * _WHOLE)
        standing = pressure.judge(headroom, threshold, before=standing, now_s=at_s)
        opened += before == pressure.Pressure.CALM < standing.pressure
    return opened


def is_truly_high(pod: Pod) -> bool:
    """Return whether so many readings in a row were above the line as the grace time asks for."""
    row = 0
    for used_ratio in pod.used_ratio:
        row = row + 1 if used_ratio > LINE_RATIO else 0
        if row >= GRACE_READINGS:
            return True
    return False
