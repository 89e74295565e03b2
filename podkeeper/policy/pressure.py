"""How hard is one signal squeezed?

Covers: thresholds, grace, and the way back. A signal is headroom in whatever unit it has: what is
left, so that smaller is always worse.
Leaves out: which signals there are (`policy.signals`), what to do about them (`policy.ladder`), how
they were read (`podkeeper.probes`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum


class Pressure(IntEnum):
    """How bad it is; the order is the severity."""

    CALM = 0
    SOFT = 1
    HARD = 2
    #: Waiting any longer would leave the deed to the kernel, or lose what is there.
    CRITICAL = 3

    @property
    def word(self) -> str:
        """Return it as it stands in snapshots, logs and metrics."""
        return self.name.lower()


def of_word(word: str) -> Pressure:
    """Return the pressure of a word.

    Raises:
        KeyError: There is no such pressure.
    """
    return Pressure[word.upper()]


@dataclass(frozen=True)
class Threshold:
    """Lines for one signal, in its unit."""

    #: Below this for the grace time is soft.
    soft: float
    #: Below this is hard, at once.
    hard: float
    #: Pressure falls when headroom is above this again.
    release: float
    #: How long headroom must stay below soft.
    grace_s: float
    #: Below this is critical, at once; by default nothing is.
    critical: float = -math.inf

    def __post_init__(self) -> None:
        """Refuse lines that could never be left again.

        Raises:
            ValueError: They are not in the order critical <= hard < soft <= release.
        """
        if not self.critical <= self.hard < self.soft <= self.release:
            lines = f"hard {self.hard}, soft {self.soft}, release {self.release}"
            lines = f"critical {self.critical}, {lines}"
            raise ValueError(f"thresholds must ascend from critical to release: {lines}")


def of_limits(
    soft_limit: float,
    hard_limit: float,
    release_ratio: float,
    grace_s: float,
    critical_limit: float = math.inf,
) -> Threshold:
    """Return the lines, as headroom below the hard limit, for limits on use.

    Pressure is released when use falls below `release_ratio` of the soft limit.
    """
    return Threshold(
        soft=hard_limit - soft_limit,
        hard=0,
        release=hard_limit - int(soft_limit * release_ratio),
        grace_s=grace_s,
        critical=hard_limit - critical_limit,
    )


@dataclass(frozen=True)
class Standing:
    """What is remembered of a signal between two readings."""

    pressure: Pressure = Pressure.CALM
    #: Since when headroom has been below soft without a break; None while it is not.
    short_since_s: float | None = None


def judge(headroom: float | None, threshold: Threshold, before: Standing, now_s: float) -> Standing:
    """Return where the signal stands after one more reading.

    An unknown reading changes nothing: a blind probe must neither restart a healthy program nor
    pardon a starving one.
    """
    if headroom is None:
        return before
    if headroom > threshold.release:
        return Standing()
    if headroom < threshold.hard:
        since_s = now_s if before.short_since_s is None else before.short_since_s
        critical = headroom < threshold.critical
        return Standing(Pressure.CRITICAL if critical else Pressure.HARD, since_s)
    if headroom >= threshold.soft:
        # Between soft and release: what was squeezed stays so, what was calm stays calm.
        return Standing(min(before.pressure, Pressure.SOFT), None)
    return _short(threshold, before, now_s)


def _short(threshold: Threshold, before: Standing, now_s: float) -> Standing:
    since_s = now_s if before.short_since_s is None else before.short_since_s
    lasted = now_s - since_s >= threshold.grace_s
    squeezed = before.pressure >= Pressure.SOFT or lasted
    return Standing(Pressure.SOFT if squeezed else Pressure.CALM, since_s)
