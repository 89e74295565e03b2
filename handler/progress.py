"""How far is a job, and is that worth a message?

Covers: reading the WebUI's progress answer, and which reading follows which. Pure.
Leaves out: asking (`webui`) and sending (`sender`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any


class Phase(IntEnum):
    """What a job is doing, in the order of things."""

    waiting = 0
    loading = 1
    sampling = 2
    decoding = 3


@dataclass(frozen=True)
class Reading:
    """How far a job is."""

    phase: Phase
    progress: float = 0.0
    step: int = 0
    steps: int = 0
    eta_s: float | None = None

    def message(self) -> dict[str, object]:
        """Return it as the client gets it."""
        return {
            "progress": round(self.progress, 4),
            "step": self.step,
            "steps": self.steps,
            "eta_s": None if self.eta_s is None else round(self.eta_s, 1),
            "phase": self.phase.name,
        }


WAITING = Reading(Phase.waiting)


def _number(value: object) -> float:
    sound = isinstance(value, int | float) and math.isfinite(value)
    return max(0.0, float(value)) if sound else 0.0  # type: ignore[arg-type]


def _phase(state: dict[str, Any]) -> Phase:
    step, steps = _number(state.get("sampling_step")), _number(state.get("sampling_steps"))
    batch = _number(state.get("job_no"))
    # The checkpoint is loaded within the job, before its first step.
    if step == 0 and batch == 0:
        return Phase.loading
    last = batch >= _number(state.get("job_count")) - 1
    return Phase.decoding if last and steps and step >= steps else Phase.sampling


def read(answer: object) -> Reading | None:
    """Return what the WebUI's answer says, or None where it says nothing that can be read.

    Between jobs the WebUI keeps the figures of the last one, under an empty job: the job has been
    sent and is not sampling yet.
    """
    state = answer.get("state") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(state, dict):
        return None
    if not state.get("job"):
        return Reading(Phase.loading)
    return Reading(
        phase=_phase(state),
        progress=min(1.0, _number(answer.get("progress"))),
        step=int(_number(state.get("sampling_step"))),
        steps=int(_number(state.get("sampling_steps"))),
        eta_s=_number(answer.get("eta_relative")) or None,
    )


def within(reading: Reading, first: int, count: int, total: int) -> Reading:
    """Return how far a job of `total` images is, of which a request makes `count` from `first`."""
    done = (first + reading.progress * count) / total
    whole = count == total
    return replace(reading, progress=min(1.0, done), eta_s=reading.eta_s if whole else None)


def following(last: Reading | None, new: Reading, step_ratio: float) -> Reading | None:
    """Return what to send after `last`, or None where `new` is not worth a message.

    What was sent never falls: neither the progress, even when the job starts again, nor the
    phase, except back to waiting, which says that it does start again.
    """
    if last is None:
        return new
    falls = new.phase < last.phase and new.phase is not Phase.waiting
    shown = replace(
        new,
        progress=max(new.progress, last.progress),
        phase=last.phase if falls else new.phase,
    )
    worth = shown.phase is not last.phase or shown.progress - last.progress >= step_ratio
    return shown if worth and shown != last else None
