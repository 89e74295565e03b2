"""`make bench-incidents`: incidents for memory on real pods, by a bare line and by podkeeper."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from bench.common import report, trace
from bench.common.plot import bars
from bench.incidents.rules import BARE, SHIPPED, Rule, is_truly_high, openings, rules

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWER = 10.0


@dataclass(frozen=True)
class Row:
    """What one rule made of all pods."""

    rule: Rule
    #: Incidents by pod, where there was one.
    opened: dict[str, int]
    high_flagged: int

    @property
    def incidents(self) -> int:
        """Return how many incidents it opened."""
        return sum(self.opened.values())


def measure(pods: Sequence[trace.Pod]) -> tuple[list[Row], int]:
    """Return a row for each rule, and how many pods were truly high."""
    high = {pod.name for pod in pods if is_truly_high(pod)}
    rows = []
    for rule in rules():
        counts = {pod.name: openings(rule, pod) for pod in pods}
        opened = {name: count for name, count in counts.items() if count}
        rows.append(Row(rule, opened, len(high & opened.keys())))
    return rows, len(high)


def show(rows: Sequence[Row], high: int, pods: Sequence[trace.Pod]) -> str:
    """Return the table."""
    hours = sum(pod.at_s[-1] - pod.at_s[0] for pod in pods) / 3600
    about = f"{len(pods)} pods, {hours:.0f} pod-hours"
    head = [about, "incidents", "fewer by", "pods flagged", f"of {high} truly high"]
    bare = rows[0].incidents
    cells = [
        [
            row.rule.name,
            str(row.incidents),
            f"{bare / row.incidents:.1f} x" if row.incidents else "-",
            str(len(row.opened)),
            str(row.high_flagged),
        ]
        for row in rows
    ]
    return report.table(head, cells)


def targets_of(rows: Sequence[Row]) -> list[report.Target]:
    """Return podkeeper's targets."""
    by_name = {row.rule.name: row for row in rows}
    bare, ours = by_name[BARE], by_name[SHIPPED]
    fewer = bare.incidents / max(1, ours.incidents)
    least = bare.high_flagged
    return [
        report.Target("incidents fewer than a bare line's by", fewer, FEWER, "x", at_least=True),
        report.Target("truly high pods flagged", ours.high_flagged, least, "pods", at_least=True),
    ]


def main() -> int:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.incidents", description=__doc__)
    trace.add_option(parser)
    options = parser.parse_args()
    why = trace.missing(options.trace)
    if why:
        print(why)
        return report.finish("incidents", report.frame(missing=[why]), [])
    pods = trace.pods(options.trace)
    rows, high = measure(pods)
    print(show(rows, high, pods))
    panels: list[tuple[str, float | None, list[tuple[str, float]]]] = [
        ("incidents opened", None, [(row.rule.name, row.incidents) for row in rows]),
        (f"flagged of {high} truly high pods", None, [(r.rule.name, r.high_flagged) for r in rows]),
    ]
    title = "Memory above 85 % of the limit, on real pods"
    bars(report.results_path("incidents.svg"), title, panels, SHIPPED)
    result = report.frame(
        what="incidents by rule on the trace's pods",
        missing=[],
        truly_high=high,
        rows=[{**asdict(row), "incidents": row.incidents} for row in rows],
    )
    return report.finish("incidents", result, targets_of(rows))


if __name__ == "__main__":
    sys.exit(main())
