"""`make bench-footprint`: memory, processor time and wake-ups of the supervising side alone."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import report
from bench.common.plot import bars
from bench.common.program import compiled
from bench.common.running import kill_all_of
from bench.footprint.cost import Cost, cost_of
from bench.footprint.sides.circus import Circus
from bench.footprint.sides.podkeeper import Podkeeper
from bench.footprint.sides.superlance import Superlance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.footprint.sides.base import Side

SIDES: tuple[type[Side], ...] = (Podkeeper, Superlance, Circus)
PSS_MB, IDLE_PERCENT = 45.0, 0.5


@dataclass(frozen=True)
class Row:
    """What one side cost in one phase; its processes one by one as well."""

    side: str
    phase: str
    seconds: float
    total: Cost
    parts: dict[str, Cost]

    @property
    def cpu_percent(self) -> float:
        """Return the share of one core."""
        return 100 * self.total.cpu_s / self.seconds

    @property
    def wakeups_per_s(self) -> float:
        """Return how often a second one of its threads was woken."""
        return self.total.wakeups / self.seconds


def observe(sides: Sequence[Side], phase: str, seconds: float) -> list[Row]:
    """Return what each side costs while that many seconds pass."""
    pids = {side.name: side.pids() for side in sides}
    before = {name: {part: cost_of(pid) for part, pid in own.items()} for name, own in pids.items()}
    begun_s = time.monotonic()
    time.sleep(seconds)
    rows = []
    for name, own in pids.items():
        parts = {part: cost_of(pid).since(before[name][part]) for part, pid in own.items()}
        passed_s = time.monotonic() - begun_s
        rows.append(Row(name, phase, passed_s, reduce(add, parts.values()), parts))
    return rows


def measure(sides: Sequence[Side], seconds: float, settle_s: float) -> tuple[list[Row], int]:
    """Return what each side cost idle and under load, and how many jobs the load was."""
    with ExitStack() as stack:
        for side in sides:
            stack.callback(side.stop)
            side.start()
        time.sleep(settle_s)
        rows = observe(sides, "idle", seconds)
        workers = [side for side in sides if isinstance(side, Podkeeper)]
        enough = threading.Event()
        with ThreadPoolExecutor() as pool:
            jobs = [pool.submit(side.work, enough) for side in workers]
            try:
                rows += observe(sides, "load", seconds)
            finally:
                enough.set()
        return rows, sum(job.result() for job in jobs)


def _cells(row: Row) -> list[str]:
    total = row.total
    memory = [f"{total.pss_mb:.1f}", f"{total.private_mb:.1f}"]
    return [*memory, f"{total.cpu_s:.2f}", f"{row.cpu_percent:.2f}", f"{row.wakeups_per_s:.1f}"]


def show(rows: Sequence[Row]) -> str:
    """Return the table: each side, and each of podkeeper's processes."""
    head = ["supervising side", "PSS MB", "private MB", "CPU s", "% of a core", "wake-ups/s"]
    lines = []
    for row in rows:
        lines.append([f"{row.side}, {row.phase}", *_cells(row)])
        if row.side == Podkeeper.name:
            for part, cost in row.parts.items():
                single = Row(part, row.phase, row.seconds, cost, {})
                lines.append([f"  {part}", *_cells(single)])
    return report.table(head, lines)


def targets_of(rows: Sequence[Row]) -> list[report.Target]:
    """Return podkeeper's targets."""
    ours = {row.phase: row for row in rows if row.side == Podkeeper.name}
    if not ours:
        return []
    most_mb = max(row.total.pss_mb for row in ours.values())
    idle = ours["idle"].cpu_percent
    return [
        report.Target("footprint memory", most_mb, PSS_MB, "MB"),
        report.Target("footprint idle", idle, IDLE_PERCENT, "% of a core"),
    ]


def result_of(rows: Sequence[Row], jobs: int, missing: list[str]) -> dict[str, Any]:
    """Return everything that was measured."""
    figures = [
        {**asdict(row), "cpu_percent": row.cpu_percent, "wakeups_per_s": row.wakeups_per_s}
        for row in rows
    ]
    return report.frame(what="supervising side alone", jobs=jobs, missing=missing, rows=figures)


def take_part(folder: Path, program: Path, names: Sequence[str]) -> tuple[list[Side], list[str]]:
    """Return the sides that can take part, and a line for each that cannot."""
    sides, missing = [], []
    for number, kind in enumerate(SIDES):
        own = folder / str(number)
        own.mkdir()
        side = kind(own, program)
        why = side.missing()
        if why is not None:
            missing.append(f"{side.name} is missing: {why}")
        elif not names or side.name in names:
            sides.append(side)
    return sides, missing


def draw(rows: Sequence[Row]) -> None:
    """Draw memory and processor time of each side."""
    idle = [row for row in rows if row.phase == "idle"]
    load = [row for row in rows if row.phase == "load"]
    panels = [
        ("PSS in MB, idle", PSS_MB, [(row.side, row.total.pss_mb) for row in idle]),
        ("% of a core, idle", IDLE_PERCENT, [(row.side, row.cpu_percent) for row in idle]),
        ("% of a core, under load", None, [(row.side, row.cpu_percent) for row in load]),
        ("wake-ups a second, idle", None, [(row.side, row.wakeups_per_s) for row in idle]),
    ]
    bars(report.results_path("footprint.svg"), "The supervising side alone", panels, Podkeeper.name)


def main() -> int:
    """Measure, show, judge."""
    parser = argparse.ArgumentParser(prog="bench.footprint", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each phase (default: 60)")
    parser.add_argument("--settle", type=float, default=20, help="seconds before (default: 20)")
    parser.add_argument("--only", nargs="*", default=[], help="names of the sides to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pkb-", dir="/tmp") as name:
        program = compiled(Path(name))
        sides, missing = take_part(Path(name), program, options.only)
        try:
            rows, jobs = measure(sides, options.seconds, options.settle)
        finally:
            kill_all_of(program)
    for side in sides:
        print(f"{side.name}: {side.setting}")
    print("\n".join(["", show(rows), f"load: {jobs} jobs, one after another", *missing]))
    draw(rows)
    return report.finish("footprint", result_of(rows, jobs, missing), targets_of(rows))


if __name__ == "__main__":
    sys.exit(main())
