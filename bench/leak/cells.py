"""What did each method say to all series of one kind, and is that good?"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.common import report, shipped
from bench.leak import series
from bench.leak.methods import NAMES, Detector, Projection, first_alarms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: What may be held beyond the largest checkpoint's level before a restart is due.
ROOM_MB = 3000.0
#: Leaks of at least this are to be found.
LEAST_MB = 10.0
FALSE_PERCENT, FOUND_PERCENT = 6.0, 95.0


@dataclass(frozen=True)
class Cell:
    """What one method said to all series of one kind."""

    kind: str
    method: str
    #: After which job it said so, for each series; None where it was silent.
    jobs: list[int | None]
    #: Series that passed the hard limit, and how many of them it had spoken of before.
    ran_out: int
    in_time: int

    @property
    def said(self) -> list[int]:
        """Return the jobs of the series on which it was not silent."""
        return [job for job in self.jobs if job is not None]

    @property
    def percent(self) -> float:
        """Return on how many of the series it was not silent."""
        return 100 * len(self.said) / len(self.jobs)

    def words(self, *, with_job: bool) -> str:
        """Return it for a table: percent, and the median job where that says anything."""
        when = f" ({statistics.median(self.said):.0f})" if with_job and self.said else ""
        return f"{self.percent:.0f}{when}"


def hard_ratio() -> float:
    """Return how far above a budget, the soft limit, the hard limit is."""
    web = shipped.settings().webui
    return (web.memory_hard.ratio or 1.0) / (web.memory_soft.ratio or 1.0)


def _end(readings: Iterable[series.Reading], limit_mb: float) -> int | None:
    """Return the first job after which more is held than a limit."""
    over = (job for job, (_, held_mb) in enumerate(readings, start=1) if held_mb > limit_mb)
    return next(over, None)


def measure(kind: series.Kind, numbers: Iterable[int]) -> list[Cell]:
    """Return a cell for each method, over the series of these numbers."""
    alarms, ends = [], []
    for number in numbers:
        readings = series.readings(kind, number)
        budget_mb = series.largest_level_mb(readings) + ROOM_MB
        alarms.append(first_alarms(readings, budget_mb))
        ends.append(_end(readings, budget_mb * hard_ratio()))
    cells = []
    for method in NAMES:
        jobs = [said[method] for said in alarms]
        ended = [(job, end) for job, end in zip(jobs, ends, strict=True) if end is not None]
        in_time = sum(job is not None and job < end for job, end in ended)
        cells.append(Cell(kind.name, method, jobs, len(ended), in_time))
    return cells


def table(cells: Sequence[Cell], kinds: Sequence[series.Kind], head: str) -> str:
    """Return each method's alarms in percent, on leaks with the median job."""
    cell = {(each.method, each.kind): each for each in cells}
    rows = [
        [name, *(cell[name, kind.name].words(with_job=kind.leaks) for kind in kinds)]
        for name in NAMES
    ]
    return report.table([head, *(kind.name for kind in kinds)], rows)


def targets_of(cells: Sequence[Cell]) -> list[report.Target]:
    """Return podkeeper's targets."""
    clean = {kind.name for kind in series.CLEAN}
    large = {kind.name for kind in series.LEAKING if not 0 < kind.leak_mb_per_job < LEAST_MB}
    ours = [cell for cell in cells if cell.method == Detector.name]
    foreseen = [
        100 * cell.in_time / cell.ran_out
        for cell in cells
        if cell.method == Projection.name and cell.ran_out
    ]
    alarms = max(cell.percent for cell in ours if cell.kind in clean)
    found = min(cell.percent for cell in ours if cell.kind in large)
    at_least = f"of {LEAST_MB:g} MB/job and more"
    return [
        report.Target("leak false alarms, worst kind", alarms, FALSE_PERCENT, "%"),
        report.Target(f"leak found, {at_least}", found, FOUND_PERCENT, "%", at_least=True),
        report.Target(
            "leak foreseen before the hard limit", min(foreseen), FOUND_PERCENT, "%", at_least=True
        ),
    ]
