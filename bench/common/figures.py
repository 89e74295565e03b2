"""Which few figures stand for many trials?"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all do not exceed.

    Raises:
        ValueError: There are no values.
    """
    if not values:
        raise ValueError("cannot take a quantile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """Return count, least, median, 99th percentile and largest."""
    return {
        "trials": len(values),
        "min": min(values),
        "median": statistics.median(values),
        "p99": quantile(values, 0.99),
        "max": max(values),
    }
