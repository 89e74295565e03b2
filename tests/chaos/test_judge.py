"""What a campaign complains of."""

from __future__ import annotations

from typing import Any

import pytest
from judge import Blow, count_jobs, judge_incidents, judge_jobs

from podkeeper.model.incident import Incident


def job(status: str, *kinds: str) -> dict[str, Any]:
    """Return a job's history as the platform tells it."""
    return {"id": "j", "status": status, "events": [{"kind": kind} for kind in kinds]}


def incident(
    sentence: str, cause: str = "signal", pid: int = 7, closed: float | None = 2
) -> Incident:
    """Return an incident of the WebUI."""
    return Incident(
        id=1,
        run_id="r",
        program="webui",
        cause=cause,
        sentence=sentence,
        opened_at_s=1,
        closed_at_s=closed,
        recovery_s=None,
        pid=pid,
        evidence={},
        actions=[],
    )


KILLED = Blow("webui", 7, "SIGKILL", tells=True)


@pytest.mark.parametrize(
    ("one", "is_wrong"),
    [
        (job("COMPLETED", "submitted", "granted", "progress", "done"), False),
        (job("FAILED", "submitted", "granted", "done"), False),
        (
            job("COMPLETED", "submitted", "granted", "requeued", "granted", "done", "duplicate"),
            False,
        ),
        (job("IN_PROGRESS", "submitted", "granted"), True),
        (job("IN_QUEUE", "submitted"), True),
        (job("TIMED_OUT", "submitted", "granted", "timed_out"), True),
        (job("COMPLETED", "submitted", "granted", "done", "done"), True),
        (job("COMPLETED", "submitted", "granted"), True),
    ],
)
def test_a_job_must_have_ended_once(one: dict[str, Any], is_wrong: bool) -> None:  # noqa: FBT001 - a table
    """COMPLETED or FAILED, by exactly one event; a late second result changes nothing."""
    assert bool(judge_jobs([one], ["j"])) == is_wrong


def test_a_job_that_was_accepted_must_be_known() -> None:
    """What the platform said yes to, it may not forget."""
    assert judge_jobs([], ["j"]) == ["job j was accepted and is not known"]


def test_what_is_unusual_is_counted() -> None:
    """Duplicates and jobs that went out again are told, not hidden."""
    jobs = [job("COMPLETED", "granted", "requeued", "granted", "done", "duplicate")]
    assert count_jobs(jobs) == {"COMPLETED": 1, "duplicate": 1, "requeued": 1}


def test_a_blow_with_its_own_incident_is_well() -> None:
    """Program, process, signal and end all fit."""
    assert judge_incidents([KILLED], [incident("killed by SIGKILL")]) == []


@pytest.mark.parametrize(
    "incidents",
    [
        [],
        [incident("killed by SIGTERM")],
        [incident("killed by SIGKILL", pid=8)],
        [incident("killed by SIGKILL", cause="kernel_oom")],
        [incident("killed by SIGKILL", closed=None)],
        [incident("killed by SIGKILL"), incident("killed by SIGKILL")],
    ],
)
def test_anything_else_is_a_complaint(incidents: list[Incident]) -> None:
    """None, another cause, another process, still open, twice."""
    assert judge_incidents([KILLED], incidents)


def test_a_program_that_was_asked_to_end_may_exit() -> None:
    """SIGTERM ends it by the signal or by a code of its own."""
    blow = Blow("webui", 7, "SIGTERM", tells=True)
    assert judge_incidents([blow], [incident("exited with code 0", cause="exit")]) == []


def test_what_an_operator_stops_needs_no_incident() -> None:
    """A blow in the middle of an operator's stop is part of the stop."""
    assert judge_incidents([Blow("webui", 7, "SIGKILL", tells=False)], []) == []
