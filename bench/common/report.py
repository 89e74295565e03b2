"""How does a bench end? With a line per target, its figures as JSON, and an exit code."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.common.machine import ROOT, commit, load, machine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RESULTS = ROOT / "bench" / "results"


@dataclass(frozen=True)
class Target:
    """A figure and the bound that it must not exceed, or must reach."""

    name: str
    figure: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Return whether the figure is within its bound."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def line(self) -> str:
        """Return the target in one line."""
        word = "met" if self.met else "missed"
        unit, least = self.unit, "at least " if self.at_least else ""
        wanted = f"wanted {least}{self.bound:g} {unit}"
        return f"target {self.name}: {self.figure:.3g} {unit} ({wanted}) {word}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table for a terminal; the first column is words, the others are figures."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return "  ".join(cells).rstrip()

    return "\n".join([line(head), "  ".join("-" * width for width in widths), *map(line, rows)])


def frame(**more: Any) -> dict[str, Any]:
    """Return what every result says of its run, with more."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    about = {"at": now, "commit": commit(), "machine": machine(), "load_at_end": load()}
    return {**about, **more}


def finish(name: str, result: dict[str, Any], targets: Sequence[Target]) -> int:
    """Write the result, say each target, and return the exit code."""
    entries = [
        {"name": t.name, "figure": t.figure, "bound": t.bound, "unit": t.unit, "met": t.met}
        for t in targets
    ]
    path = results_path(f"{name}.json")
    path.write_text(json.dumps({**result, "targets": entries}, indent=1) + "\n")
    print(f"\n{result['machine']}; commit {result['commit']}; figures: {path.relative_to(ROOT)}\n")
    for target in targets:
        print(target.line())
    return 0 if targets and all(target.met for target in targets) else 1


def results_path(name: str) -> Path:
    """Return where a result of that name is kept, its folder made."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    return RESULTS / name
