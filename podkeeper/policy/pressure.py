"""How hard is one signal squeezed?

Covers: thresholds, grace, and the way back.
Leaves out: what to do about it (`policy.duty`), how it was read (`podkeeper.probes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Pressure(IntEnum):
    """How bad it is; the order is the severity."""

    CALM = 0
    SOFT = 1
    HARD = 2


@dataclass(frozen=True)
class Threshold:
    """Lines for one signal, as headroom: what is left, so that smaller is always worse."""

    #: Below this for the grace time is soft.
    soft_bytes: int
    #: Below this is hard, at once.
    hard_bytes: int
    #: Pressure falls when headroom is above this again.
    release_bytes: int
    #: How long headroom must stay below soft.
    grace_s: float

    def __post_init__(self) -> None:
        """Refuse lines that could never be left again.

        Raises:
            ValueError: They are not in the order hard < soft <= release.
        """
        if not self.hard_bytes < self.soft_bytes <= self.release_bytes:
            lines = f"hard {self.hard_bytes}, soft {self.soft_bytes}, release {self.release_bytes}"
            raise ValueError(f"thresholds must ascend from hard to release: {lines}")


def of_limits(
    soft_limit_bytes: int, hard_limit_bytes: int, release_ratio: float, grace_s: float
) -> Threshold:
    """Return the lines, as headroom below the hard limit, for limits on use.

    Pressure is released when use falls below `release_ratio` of the soft limit.
    """
    return Threshold(
        soft_bytes=hard_limit_bytes - soft_limit_bytes,
        hard_bytes=0,
        release_bytes=hard_limit_bytes - int(soft_limit_bytes * release_ratio),
        grace_s=grace_s,
    )


@dataclass(frozen=True)
class Standing:
    """What is remembered of a signal between two readings."""

    pressure: Pressure = Pressure.CALM
    #: Since when headroom has been below soft without a break; None while it is not.
    short_since_s: float | None = None


def judge(
    headroom_bytes: int | None, threshold: Threshold, before: Standing, now_s: float
) -> Standing:
    """Return where the signal stands after one more reading.

    An unknown reading changes nothing: a blind probe must neither restart a healthy program nor
    pardon a starving one.
    """
    if headroom_bytes is None:
        return before
    if headroom_bytes > threshold.release_bytes:
        return Standing()
    if headroom_bytes < threshold.hard_bytes:
        since_s = now_s if before.short_since_s is None else before.short_since_s
        return Standing(Pressure.HARD, since_s)
    if headroom_bytes >= threshold.soft_bytes:
        # Between soft and release: what was squeezed stays so, what was calm stays calm.
        return Standing(min(before.pressure, Pressure.SOFT), None)
    return _short(threshold, before, now_s)


def _short(threshold: Threshold, before: Standing, now_s: float) -> Standing:
    since_s = now_s if before.short_since_s is None else before.short_since_s
    lasted = now_s - since_s >= threshold.grace_s
    squeezed = before.pressure >= Pressure.SOFT or lasted
    return Standing(Pressure.SOFT if squeezed else Pressure.CALM, since_s)
