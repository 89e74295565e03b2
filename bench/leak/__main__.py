"""`make bench-leak`: false alarms and leaks found, on made-up series and on real pods' memory."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.common import report, trace
from bench.common.plot import bars
from bench.leak import curves, series
from bench.leak.cells import FALSE_PERCENT, Cell, measure, table, targets_of
from bench.leak.methods import NAMES, Detector, Projection

if TYPE_CHECKING:
    from collections.abc import Sequence


def show_curves(rows: Sequence[curves.Row], pods: int) -> str:
    """Return the table of what was said to the pods of the trace."""
    leaks = [f"{leak_mb} MB/reading found" for leak_mb in curves.LEAKS_MB]
    cells = [
        [row.method, str(len(row.flagged)), str(len(row.flagged_level))]
        + ["{} of {}".format(*row.found[mb]) if row.found else "-" for mb in curves.LEAKS_MB]
        for row in rows
    ]
    return report.table([f"{pods} pods of the trace", "flagged", "of them level", *leaks], cells)


def draw(cells: Sequence[Cell], rows: Sequence[curves.Row]) -> None:
    """Draw false alarms and small leaks found, by the methods that raise an alarm."""
    names = [name for name in NAMES if name != Projection.name]
    percents = {(cell.method, cell.kind): cell.percent for cell in cells}
    worst = [(name, max(percents[name, kind.name] for kind in series.CLEAN)) for name in names]
    panels: list[tuple[str, float | None, list[tuple[str, float]]]]
    panels = [("false alarms, % of series of the worst kind", FALSE_PERCENT, worst)]
    for kind in series.LEAKING[:2]:
        found = [(name, percents[name, kind.name]) for name in names]
        panels.append((f"leak of {kind.name} found, % of series", None, found))
    if rows:
        level = [(row.method, float(len(row.flagged_level))) for row in rows if row.method in names]
        panels.append(("alarms on real pods that ended no higher than they began", None, level))
    title = f"Who cries leak within {series.JOBS} jobs?"
    bars(report.results_path("leak.svg"), title, panels, Detector.name)


def main() -> int:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.leak", description=__doc__)
    parser.add_argument("--series", type=int, default=100, help="series of each kind")
    parser.add_argument("--first", type=int, default=0, help="number of the first, to see others")
    trace.add_option(parser)
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.series)
    cells: list[Cell] = []
    for kind in (*series.CLEAN, *series.LEAKING):
        print(f"\r{kind.name:30}", end="", file=sys.stderr, flush=True)
        cells += measure(kind, numbers)
    print(file=sys.stderr)
    print(table(cells, series.CLEAN, "false alarms, % of series"), end="\n\n")
    print(table(cells, series.LEAKING, "leaks found, % (median job)"), end="\n\n")
    why = trace.missing(options.trace)
    pods = [] if why else trace.pods(options.trace)
    rows = curves.judge(pods) if pods else []
    print(why or show_curves(rows, len(pods)))
    result = report.frame(
        what="alarms on made-up series and on real pods' memory",
        missing=[why] if why else [],
        cells=[{**asdict(cell), "percent": cell.percent} for cell in cells],
        pods=[asdict(row) for row in rows],
    )
    draw(cells, rows)
    return report.finish("leak", result, targets_of(cells))


if __name__ == "__main__":
    sys.exit(main())
