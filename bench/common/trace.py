"""How did the memory of real pods move? Read from the public trace, where it is at hand.

The trace is GenTD26 (Alibaba clusterdata, `cluster-trace-v2026-GenAI`): pods that serve Stable
Diffusion, one reading of each about every 57 s as a share of the pod's limit. Its terms are
research and study, so it is no part of the project.
"""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.common.machine import ROOT

if TYPE_CHECKING:
    import argparse

#: Beside the project.
FOLDER = ROOT.parent / "shared" / "data" / "genai-trace"
NAME = "pod_memory.csv.gz"


@dataclass
class Pod:
    """One pod's readings, in order of time."""

    name: str
    at_s: list[float] = field(default_factory=list)
    used_ratio: list[float] = field(default_factory=list)


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let the caller say where the trace is."""
    parser.add_argument("--trace", type=Path, default=FOLDER, help=f"folder with {NAME}")


def missing(folder: Path) -> str | None:
    """Return why the trace cannot take part, or None."""
    return None if (folder / NAME).is_file() else f"the trace is missing: there is no {NAME}"


def pods(folder: Path) -> list[Pod]:
    """Return the pods.

    Raises:
        OSError: There is no such trace.
    """
    found: dict[str, Pod] = {}
    with gzip.open(folder / NAME, "rt", newline="") as file:
        for row in csv.DictReader(file):
            pod = found.setdefault(row["pod"], Pod(row["pod"]))
            pod.at_s.append(float(row["at_s"]))
            pod.used_ratio.append(float(row["memory_ratio"]))
    return list(found.values())
