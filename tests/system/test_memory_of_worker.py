"""WebUIs that take too much memory, with real processes and real memory."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from worker import JOB, Worker, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.incident import Incident

MIB = 1 << 20
#: Six seconds: long enough for all that the keeper does before the job has ended.
LONG = {**JOB, "steps": 60}
SHORT = {**JOB, "steps": 15}
#: Hard above 200 MiB, killed at once above 400 MiB. The simulator itself takes about 50.
SETTINGS = {
    "PODKEEPER_WEBUI__MEMORY_SOFT": "150MiB",
    "PODKEEPER_WEBUI__MEMORY_HARD": "200MiB",
    "PODKEEPER_MEMORY__CRITICAL_FACTOR": "2",
    "PODKEEPER_EXTENSION__RECLAIM_WAIT_S": "500ms",
    "PODKEEPER_MEMORY__RECLAIM_WAIT_S": "2s",
    "PODKEEPER_SIM_WEBUI__STEP_S": "400ms",
    "PODKEEPER_RESTART__RESET_AFTER_S": "1s",
}


@contextmanager
def started(**settings: str) -> Iterator[Worker]:
    """Give a worker that is ready, and stop it."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        worker = Worker(Path(folder), **SETTINGS, **settings)
        try:
            worker.wait_until_ready()
            yield worker
        finally:
            code = worker.stop()
        assert code == 0
        assert worker.marked() == []


def closed(worker: Worker, pid: int) -> Incident:
    """Return the one incident about a WebUI's memory once it is over."""

    def over() -> Incident | None:
        own = [each for each in worker.incidents() if each.pid == pid]
        return own[0] if own and own[0].closed_at_s is not None else None

    incident = wait_for(over, "the end of the incident")
    assert [each for each in worker.incidents() if each.pid == pid] == [incident]
    assert (incident.program, incident.cause) == ("webui", "memory_hard")
    return incident


def pid_of_webui(worker: Worker) -> int:
    """Return the WebUI's main process."""
    pid = worker.line("webui").pid
    assert pid is not None
    return pid


def test_over_the_hard_limit_the_job_in_hand_ends_before_the_restart() -> None:
    """No other job comes, it is asked to give back, the job ends, then another WebUI comes."""
    with started(PODKEEPER_HANDLER__ATTEMPTS="1") as worker:
        pid = pid_of_webui(worker)
        worker.switch(fill={"bytes": 200 * MIB, "at_progress": 0.1})
        name = worker.begin(LONG)
        assert worker.wait_for_job(name).status == "COMPLETED"
        worker.wait_until_back("webui", pid)
        incident = closed(worker, pid)
        assert "short of RAM (hard)" in incident.sentence
        assert incident.evidence["program_memory_bytes"] > 200 * MIB
        assert any(job.startswith(name) for job in incident.evidence["jobs_in_hand"])
        deeds = [each.deed for each in incident.actions]
        assert deeds == ["pause", "reclaim", "restart", "start"]
        assert worker.do(JOB).status == "COMPLETED"


def test_a_leap_over_the_critical_line_is_killed_and_the_job_runs_again() -> None:
    """The kernel would kill next, and might choose another; the job costs time, not its result."""
    with started() as worker:
        wanted = worker.do(SHORT).output["images"]
        pid = pid_of_webui(worker)
        worker.switch(fill={"bytes": 700 * MIB, "at_progress": 0.3})
        name = worker.begin(SHORT)
        worker.wait_until_back("webui", pid)
        state = worker.wait_for_job(name)
        assert state.status == "COMPLETED"
        assert state.output["images"] == wanted
        incident = closed(worker, pid)
        assert "short of RAM" in incident.sentence
        assert any(job.startswith(name) for job in incident.evidence["jobs_in_hand"])
        # What was asked of the dead one may be answered last of all.
        deeds = [each.deed for each in incident.actions if each.deed != "reclaim"]
        assert deeds[-2:] == ["kill", "start"]
        deaths = [each for each in worker.incidents() if each.cause in {"signal", "kernel_oom"}]
        assert deaths == []
