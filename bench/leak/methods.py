"""Who says after which job that there is a leak? The usual methods, and podkeeper's.

Each method is fed the same readings, and none counts the first jobs. The usual ones look at a
window of the newest jobs; their lines are low slopes and customary levels of significance.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from bench.common import shipped
from podkeeper.policy import leak
from podkeeper.policy.trend import theil_sen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RULES = shipped.rules(leak.Rules, shipped.settings().leak)
MB = 1_000_000
_SLOPE_MB = 2.0
_LEAST_T = 3.4
#: One-sided p below 0.01.
_LEAST_Z = 2.326


def ols(values: Sequence[float]) -> tuple[float, float]:
    """Return the least-squares slope, and how many of its own standard errors it is."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    spread = count * (count * count - 1) / 12
    slope = sum((x - middle) * (y - mean) for x, y in enumerate(values)) / spread
    left = sum((y - mean - slope * (x - middle)) ** 2 for x, y in enumerate(values))
    error = math.sqrt(left / (count - 2) / spread)
    return slope, slope / error if error else math.copysign(math.inf, slope) if slope else 0.0


def mann_kendall(values: Sequence[float]) -> float:
    """Return Kendall's S in standard deviations, ties counted as none, with continuity."""
    count = len(values)
    score = sum(
        (later > value) - (later < value)
        for number, value in enumerate(values)
        for later in values[number + 1 :]
    )
    deviation = math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    return (score - (score > 0) + (score < 0)) / deviation


class Method(ABC):
    """One way to tell; made anew for each series."""

    name: ClassVar[str]
    ours: ClassVar[bool] = False

    @abstractmethod
    def feed(self, checkpoint: str, held_mb: float) -> bool:
        """Take what is held after the next job; return whether that is a leak by now."""


class Windowed(Method):
    """A method that looks at the newest readings alone."""

    window: ClassVar[int] = 30

    def __init__(self) -> None:
        self._jobs = 0
        self._held_mb: deque[float] = deque(maxlen=self.window)

    def feed(self, checkpoint: str, held_mb: float) -> bool:  # noqa: ARG002 - they know no checkpoints
        """See `Method`."""
        self._jobs += 1
        if self._jobs > RULES.skip_jobs:
            self._held_mb.append(held_mb)
        return len(self._held_mb) == self.window and self.grows(list(self._held_mb))

    @abstractmethod
    def grows(self, values: Sequence[float]) -> bool:
        """Return whether a full window grows."""


class Slope(Windowed):
    """Ordinary least squares, a line on the slope."""

    name = "OLS > 2 MB, 30 jobs"

    def grows(self, values: Sequence[float]) -> bool:
        """See `Windowed`."""
        return ols(values)[0] > _SLOPE_MB


class TTest(Windowed):
    """Ordinary least squares, a line on the t statistic."""

    name = "OLS t > 3.4, 30 jobs"

    def grows(self, values: Sequence[float]) -> bool:
        """See `Windowed`."""
        return ols(values)[1] > _LEAST_T


class MannKendall(Windowed):
    """The rank test that the literature on software aging began with."""

    name = "Mann-Kendall p < .01, 30 jobs"

    def grows(self, values: Sequence[float]) -> bool:
        """See `Windowed`."""
        return mann_kendall(values) > _LEAST_Z


class PlainSen(Windowed):
    """Theil-Sen's slope on raw readings, confirmed by Mann-Kendall."""

    name = "Theil-Sen > 2 MB and MK, 60 jobs"
    window = 60

    def grows(self, values: Sequence[float]) -> bool:
        """See `Windowed`."""
        if mann_kendall(values) <= _LEAST_Z:
            return False
        trend = theil_sen([list(enumerate(values))], 0.0)
        return trend is not None and trend.slope > _SLOPE_MB


class Detector(Method):
    """podkeeper's alert."""

    name = "podkeeper, detector"
    ours = True

    def __init__(self) -> None:
        self._history = leak.History()

    def feed(self, checkpoint: str, held_mb: float) -> bool:
        """See `Method`."""
        self._history = leak.after_job(self._history, checkpoint, int(held_mb * MB), RULES)
        return leak.judge(self._history, RULES) is not None


class Projection(Method):
    """podkeeper's restart between two jobs, against a budget."""

    name = "podkeeper, projection"
    ours = True

    def __init__(self, budget_mb: float) -> None:
        self._history = leak.History()
        self._budget_bytes = int(budget_mb * MB)

    def feed(self, checkpoint: str, held_mb: float) -> bool:
        """See `Method`."""
        self._history = leak.after_job(self._history, checkpoint, int(held_mb * MB), RULES)
        return leak.project(self._history, RULES, self._budget_bytes) is not None


USUAL: tuple[type[Windowed], ...] = (Slope, TTest, MannKendall, PlainSen)
NAMES = [*(kind.name for kind in USUAL), Detector.name, Projection.name]


def first_alarms(readings: Iterable[tuple[str, float]], budget_mb: float) -> dict[str, int | None]:
    """Return after which job each method says that there is a leak, counted from 1."""
    methods: list[Method] = [*(kind() for kind in USUAL), Detector(), Projection(budget_mb)]
    alarms: dict[str, int | None] = {method.name: None for method in methods}
    for job, (checkpoint, held_mb) in enumerate(readings, start=1):
        for method in list(methods):
            if method.feed(checkpoint, held_mb):
                alarms[method.name] = job
                methods.remove(method)
    return alarms
