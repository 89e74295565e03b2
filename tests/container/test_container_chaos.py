"""The chaos campaign's faults, done to the processes of a real container."""

from __future__ import annotations

import pytest
from faults import Fault, Kind, Moment, draw
from worker_container import Container, wait_for

SEED, COUNT = 1628, 10
SIGNALS = {Kind.KILL: "KILL", Kind.TERM: "TERM", Kind.FREEZE: "STOP"}
#: What the incident of each blow may be called.
CAUSES = {
    Kind.KILL: {"signal"},
    Kind.TERM: {"signal", "exit"},
    Kind.FREEZE: {"silent", "hang"},
}
JOB = {"prompt": "a lighthouse", "steps": 8, "width": 256, "height": 256, "seed": 7}


def chosen() -> list[Fault]:
    """Return the first faults of a seed that hit a main process, one after the other."""
    fit = (each for each in draw(SEED, 50 * COUNT) if each.kind in SIGNALS)
    return [each for each in fit if each.moment == Moment.STEADY][:COUNT]


@pytest.fixture(scope="module")
def battered(start):
    """Return a worker that can be hit often, and whose platform misses jobs soon."""
    container = start(
        PODKEEPER_RESTART__BUDGET="1000",
        PODKEEPER_RESTART__RESET_AFTER_S="2s",
        PODKEEPER_PLATFORM__FORGET_S="3s",
        PODKEEPER_PLATFORM__PING_LOSS_S="10s",
        PODKEEPER_PLATFORM__MAX_REQUEUES="20",
    )
    wait_for("the worker to be ready", container.ready, container)
    return container


def strike(container: Container, fault: Fault) -> int:
    """Do one fault, wait until the worker is well again, and return the pid that was hit."""
    pids = container.pids
    pid = wait_for(f"{fault.target} to run", lambda: pids().get(fault.target), container)
    container.run("sh", "-c", f"kill -{SIGNALS[fault.kind]} {pid}")
    wait_for(
        f"another process after {fault}", lambda: pids().get(fault.target, pid) != pid, container
    )
    wait_for(f"a ready worker after {fault}", container.ready, container)
    return pid


def end_of(container: Container, job: str) -> str:
    """Return how a job ended, once it has."""

    def ended() -> str | None:
        status = container.ask_platform(f"status/{job}")["status"]
        return None if status in ("IN_QUEUE", "IN_PROGRESS") else status

    return wait_for(f"the end of job {job}", ended, container)


def test_a_container_survives_ten_faults_and_loses_no_job(battered: Container) -> None:
    """After each fault others do the work, its incident has its cause, and every job completes."""
    jobs, hit = [], []
    for fault in chosen():
        jobs.append(battered.ask_platform("run", {"input": JOB})["id"])
        hit.append((strike(battered, fault), fault))
    assert {end_of(battered, job) for job in jobs} == {"COMPLETED"}
    causes = {each["pid"]: each["cause"] for each in battered.command_json("incidents")}
    named = [(fault, causes.get(pid)) for pid, fault in hit]
    assert [each for each in named if each[1] not in CAUSES[each[0].kind]] == []
