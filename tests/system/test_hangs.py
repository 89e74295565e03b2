"""WebUIs and others that live but do not work, with real processes."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import DEADLINE_S, JOB, Worker, wait_for

from podkeeper.model import work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.incident import Incident

LONG = {**JOB, "steps": 40}
#: Far below the steady pace of a working simulator, far above the noise of this machine.
STALL_S = 8.0
SETTINGS = {
    "PODKEEPER_WEBUI__STALL_S": str(STALL_S),
    "PODKEEPER_WEBUI__LIVENESS_PERIOD_S": "1s",
    "PODKEEPER_WEBUI__LIVENESS_FAILURES": "4",
    "PODKEEPER_WEBUI__PROBE_TIMEOUT_S": "2s",
    "PODKEEPER_KEEPER__STOPPED_S": "2s",
    "PODKEEPER_KEEPER__TAKE_DOWN_WAIT_S": "4s",
    "PODKEEPER_KEEPER__DUMP_WAIT_S": "3s",
    "PODKEEPER_KEEPER__DUMP_COMMAND": "echo stack of {pid}",
    "PODKEEPER_RESTART__RESET_AFTER_S": "1s",
    # A sampling WebUI uses a core; half of one here leaves some to the other tests.
    "PODKEEPER_SIM_WEBUI__STEP_CPU_RATIO": "40%",
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
            log = worker.log_text()
            code = worker.stop()
        assert code == 0, log[-6000:]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a worker that all tests use."""
    with started() as made:
        yield made


def pid_of(worker: Worker, name: str) -> int:
    """Return a running program's main process."""
    pid = worker.line(name).pid
    assert pid is not None
    return pid


def hang_of(worker: Worker, pid: int) -> Incident:
    """Return the one incident of a process, which is a hang."""
    (incident,) = [each for each in worker.incidents() if each.pid == pid]
    assert incident.cause == "hang"
    return incident


def test_what_is_in_hand_can_be_read(worker: Worker) -> None:
    """The work file names job, WebUI and progress while there is a job, and is empty after it."""
    path = worker.plan.work_path
    name = worker.begin(LONG)
    known = wait_for(lambda: (w := work.read(path)) and w.jobs and w, "a job in hand")
    (job,) = known.jobs
    assert (job.id, job.webui, known.handler_pid) == (name, "webui", pid_of(worker, "handler"))
    assert worker.wait_for_job(name).status == "COMPLETED"
    wait_for(lambda: (w := work.read(path)) is not None and not w.jobs, "an empty hand")


def test_a_webui_stopped_under_a_job_costs_time_not_the_job(worker: Worker) -> None:
    """It is killed without being asked, which it could not hear, and the picture is the same."""
    wanted = worker.do(LONG).output["images"]
    name = worker.begin(LONG)
    pid = pid_of(worker, "webui")
    os.kill(pid, signal.SIGSTOP)
    state = worker.wait_for_job(name)
    assert state.status == "COMPLETED"
    assert state.output["images"] == wanted
    worker.wait_until_back("webui", pid)
    incident = hang_of(worker, pid)
    assert "stopped" in incident.sentence
    assert [each.deed for each in incident.actions] == ["dump", "kill", "start"]
    dump = Path(incident.actions[0].outcome.split(" ")[0])
    assert dump.read_text() == f"stack of {pid}\n"


@pytest.mark.parametrize("name", ["webui", "handler", "platform"])
def test_what_is_stopped_while_idle_is_replaced(worker: Worker, name: str) -> None:
    """SIGSTOP of any program that the keeper restarts ends in another process."""
    pid = pid_of(worker, name)
    os.kill(pid, signal.SIGSTOP)
    worker.wait_until_back(name, pid)
    hang_of(worker, pid)
    assert worker.do(JOB).status == "COMPLETED"


def test_a_job_that_stands_still_is_ended_and_runs_again(worker: Worker) -> None:
    """A WebUI that answers every probe and does nothing for its job is hung all the same."""
    wanted = worker.do(LONG).output["images"]
    pid = pid_of(worker, "webui")
    worker.switch(hang={"at_progress": 0.4})
    name = worker.submit(LONG)
    state = worker.wait_for_job(name)
    assert state.status == "COMPLETED"
    assert state.output["images"] == wanted
    worker.wait_until_back("webui", pid)
    incident = hang_of(worker, pid)
    assert f"job {name} (sampling at 4" in incident.sentence
    assert incident.evidence["job_stood_still_s"] >= STALL_S
    assert incident.evidence["cpu_s_meanwhile"] is not None


def test_an_idle_webui_that_answers_nobody_is_replaced(worker: Worker) -> None:
    """Failed liveness probes and processes that do nothing: a deadlock."""
    pid = pid_of(worker, "webui")
    worker.switch(hang={"scope": "all"})
    worker.wait_until_back("webui", pid)
    incident = hang_of(worker, pid)
    assert "liveness" in incident.sentence
    assert "no answer" in incident.sentence
    assert worker.do(JOB).status == "COMPLETED"


def test_a_slow_job_is_left_alone(worker: Worker) -> None:
    """A job that takes more than twice the patience but moves is not disturbed."""
    before = len(worker.incidents())
    # 900 ms a step: 25 of them.
    slow = {**JOB, "steps": 25, "width": 1024, "height": 960}
    assert worker.do(slow).status == "COMPLETED"
    assert len(worker.incidents()) == before


def test_forty_five_requests_at_once_are_no_hang(worker: Worker) -> None:
    """While more wait than the WebUI has threads, nobody learns anything of it, but it works."""
    before = len(worker.incidents())
    pid = pid_of(worker, "webui")
    name = worker.begin({**JOB, "steps": 20, "width": 1024, "height": 960})
    body = {"prompt": "x", "steps": 2, "width": 512, "height": 512}

    def ask() -> None:
        answered.append(worker.post("/sdapi/v1/txt2img", body))

    answered: list[int] = []
    askers = [threading.Thread(target=ask) for _ in range(45)]
    for each in askers:
        each.start()
    wait_for(lambda: worker.line("webui").ready is False, "probes that fail")
    assert worker.wait_for_job(name).status == "COMPLETED"
    for each in askers:
        each.join(DEADLINE_S)
    assert answered == [200] * 45, worker.log_text()[-6000:]
    assert pid_of(worker, "webui") == pid
    assert len(worker.incidents()) == before


def test_a_step_longer_than_the_patience_is_left_alone_while_it_computes() -> None:
    """Progress stands still within one long step, but the processor does not."""
    # A step of 256 x 256 takes a quarter of this.
    with started(PODKEEPER_SIM_WEBUI__STEP_S=f"{6 * STALL_S}s") as worker:
        assert worker.do({**JOB, "steps": 1}).status == "COMPLETED"
        assert worker.incidents() == []
