"""Where does podkeeper's time go? Taken from the incidents that it has written itself."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from podkeeper.cli.worker import incidents_of
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.enforce.trials import Trial
    from podkeeper.model.incident import Incident

NAMES = ("crossing to sample", "sample to verdict", "verdict to the end")


def phases_ms(folder: Path, trials: Sequence[Trial]) -> list[tuple[float, float, float]]:
    """Return each trial's time to the sample that showed it, to the incident, to the end.

    Trials whose incident is not there any more are left out.
    """
    known = {each.pid: each for each in incidents_of(plans.read(folder / "run" / plans.FILE_NAME))}
    return [_phases(trial, known[trial.pid]) for trial in trials if trial.pid in known]


def _phases(trial: Trial, incident: Incident) -> tuple[float, float, float]:
    to_monotonic_s = time.monotonic() - time.time()
    judged_s = incident.opened_at_s + to_monotonic_s
    sampled_s = judged_s - incident.evidence["snapshot_age_s"]
    crossed_s, gone_s = trial.crossed_ns / 1e9, trial.gone_ns / 1e9
    between = sampled_s - crossed_s, judged_s - sampled_s, gone_s - judged_s
    return tuple(1000 * each for each in between)  # type: ignore[return-value]


def sentence(found: Sequence[tuple[float, float, float]]) -> str:
    """Return the medians in one line."""
    medians = [statistics.median(column) for column in zip(*found, strict=True)]
    parts = [f"{name} {value:.1f} ms" for name, value in zip(NAMES, medians, strict=True)]
    return f"podkeeper, medians of {len(found)}: {', '.join(parts)}"
