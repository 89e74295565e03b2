"""What the WebUI's progress says, and which of it is told."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.progress import WAITING, Phase, Reading, following, read


def answer(progress: Any = 0.0, **state: Any) -> dict[str, Any]:
    """Return a progress answer of a running job."""
    running = {"job": "scripts_txt2img", "job_count": 1, "job_no": 0, "sampling_steps": 20}
    return {"progress": progress, "eta_relative": 3.0, "state": {**running, **state}}


@pytest.mark.parametrize(
    ("given_answer", "phase"),
    [
        (answer(job="", sampling_step=19), Phase.loading),
        (answer(0.01, sampling_step=0), Phase.loading),
        (answer(0.51, sampling_step=0, job_count=2, job_no=1), Phase.sampling),
        (answer(0.5, sampling_step=10), Phase.sampling),
        (answer(0.5, sampling_step=20, job_count=2), Phase.sampling),
        (answer(1.0, sampling_step=20), Phase.decoding),
        (answer(1.0, sampling_step=20, job_count=2, job_no=1), Phase.decoding),
    ],
)
def test_the_phase_is_read_from_the_state(given_answer: dict[str, Any], phase: Phase) -> None:
    """Loading, sampling and decoding are told apart; stale figures of the last job are not read."""
    reading = read(given_answer)
    assert reading is not None
    assert reading.phase is phase


@pytest.mark.parametrize("value", [None, [], {}, {"state": None}, "x"])
def test_what_is_no_progress_is_unknown(value: Any) -> None:
    """An answer without a state is no reading."""
    assert read(value) is None


@given(st.floats() | st.none() | st.text(), st.integers() | st.none(), st.floats() | st.none())
def test_any_figures_make_a_reading_that_can_be_sent(progress: Any, step: Any, eta_s: Any) -> None:
    """Whatever figures come, the progress is a number from 0 to 1 and the ETA is finite."""
    reading = read({**answer(progress, sampling_step=step), "eta_relative": eta_s})
    assert reading is not None
    assert 0 <= reading.progress <= 1
    assert reading.eta_s is None or 0 <= reading.eta_s < float("inf")


READINGS = st.builds(Reading, st.sampled_from(Phase), st.floats(0, 1))


@given(st.lists(READINGS, max_size=60), st.floats(0.01, 0.5))
def test_what_is_told_never_falls_and_is_not_much(readings: list[Reading], step: float) -> None:
    """Progress told never falls, nor the phase save back to waiting, and each message is news."""
    told: list[Reading] = []
    for reading in readings:
        shown = following(told[-1] if told else None, reading, step)
        told.extend([shown] if shown else [])
    for before, after in pairwise(told):
        assert after.progress >= before.progress
        assert after.phase >= before.phase or after.phase is Phase.waiting
        assert after.phase is not before.phase or after.progress - before.progress >= step


def test_the_message_is_what_clients_read() -> None:
    """A message has progress, step, steps, ETA and phase by name."""
    reading = Reading(Phase.sampling, 0.41999, 8, 20, 12.34)
    assert reading.message() == {
        "progress": 0.42,
        "step": 8,
        "steps": 20,
        "eta_s": 12.3,
        "phase": "sampling",
    }
    assert WAITING.message()["eta_s"] is None
