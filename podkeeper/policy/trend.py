"""Does a series grow, how fast, and how surely?

Covers: the Theil-Sen slope (the median of the slopes between all pairs of points), Sen's bound
below it, and how long what is left will last at a rate. Points come in strata: only points of the
same stratum are compared, so that a level that belongs to a stratum is no growth.
Leaves out: which points there are (`policy.forecast`, `policy.leak`).

Of n points almost a third may be anything without moving the median far, which is why peaks and
caches do not pass for growth here. Bound: Gilbert, Statistical Methods for Environmental Pollution
Monitoring (1987), 16.4.2 and 17.3, with Kendall's variance n(n-1)(2n+5)/18 summed over strata.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Where and how much.
Point = tuple[float, float]


@dataclass(frozen=True)
class Trend:
    """How a series moves, in units of y for one unit of x."""

    #: The median slope.
    slope: float
    #: What the slope surely is at least; None where the points are too few to say.
    least: float | None


def _slopes(points: Sequence[Point]) -> list[float]:
    return [
        (y - before) / (x - at)
        for number, (at, before) in enumerate(points)
        for x, y in points[number + 1 :]
        if x != at
    ]


def _variance(points: Sequence[Point]) -> float:
    """Return the variance of Kendall's S where nothing grows."""
    count = len(points)
    return count * (count - 1) * (2 * count + 5) / 18


def median(ascending: Sequence[float]) -> float:
    """Return the middle of sorted values, of which there must be at least one."""
    middle, odd = divmod(len(ascending), 2)
    if odd:
        return ascending[middle]
    return (ascending[middle - 1] + ascending[middle]) / 2


def theil_sen(strata: Iterable[Sequence[Point]], z: float) -> Trend | None:
    """Return the trend that all strata share, or None where no two points can be compared.

    It takes time with the square of a stratum's points: 50 µs for one of 20 points.

    Args:
        strata: Points of one stratum each, in any order.
        z: How sure the bound is, as a quantile of the standard normal distribution.
    """
    slopes: list[float] = []
    variance = 0.0
    for points in strata:
        slopes += _slopes(points)
        variance += _variance(points)
    if not slopes:
        return None
    slopes.sort()
    rank = int((len(slopes) - z * math.sqrt(variance)) / 2)
    return Trend(median(slopes), slopes[rank - 1] if rank > 0 else None)


def lasts(left: float, rate: float | None) -> float | None:
    """Return how long what is left lasts at a rate; None where it does not end, as far as known."""
    if left <= 0:
        return 0.0
    return None if rate is None or rate <= 0 else left / rate
