"""What the RunPod SDK and its usual workers lose jobs by, each shown not to happen here.

The rows are those of the list of facts about RunPod that matter most: a test is named after each.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import tempfile
import threading
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from handler_process import handler, killed
from handler_standins import PATIENCE_S, StandInGateway, StandInWebUI, wait_for
from worker import JOB, Worker
from worker import wait_for as wait_for_worker

from podkeeper.probes import proc
from podkeeper.sim.platform.job import Job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler

_LONG = {**JOB, "steps": 60}


class RefusingGateway(StandInGateway):
    """Answers results with what `refusals` says first, and takes them only afterwards."""

    def __init__(self, refusals: list[int], hold_s: float = 1.0) -> None:
        self.refusals = refusals
        super().__init__(hold_s)

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        done = "/job-done/" in http.path and b'"IN_PROGRESS"' not in body
        if done and self.refusals:
            self.reply(http, {}, self.refusals.pop(0))
        else:
            super().serve(http, body)


@pytest.fixture
def gateway() -> Iterator[RefusingGateway]:
    """Return a gateway that lives as long as the test."""
    with RefusingGateway([]) as standin:
        yield standin


@pytest.fixture
def webui() -> Iterator[StandInWebUI]:
    """Return a WebUI that lives as long as the test."""
    with StandInWebUI() as standin:
        yield standin


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a whole worker that is ready."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        started = Worker(Path(folder), PODKEEPER_RUNPOD__PING_INTERVAL_S="1s")
        try:
            started.wait_until_ready()
            yield started
        finally:
            started.stop()


def result_of(gateway: StandInGateway, job_id: str) -> dict[str, Any]:
    """Return what ended a job, which nothing else has."""
    wait_for(lambda: gateway.results(job_id), f"the result of {job_id}")
    (only,) = gateway.results(job_id)
    return only


def _pings(worker: Worker) -> list[int]:
    """Return the handler's heartbeats: its children."""
    pid = worker.line("handler").pid
    return [each.pid for each in proc.scan().values() if each.alive and each.ppid == pid]


def test_row_1_a_killed_handler_leaves_no_heartbeat_of_its_job(worker: Worker) -> None:
    """Nothing of it pings on; the next one finishes the job, which the platform never missed."""
    job_id = worker.submit(_LONG)
    wait_for_worker(lambda: worker.progress_of(job_id), "the job at the WebUI")
    heartbeats = _pings(worker)
    old = worker.kill("handler")
    worker.wait_until_back("handler", old)
    assert worker.wait_for_job(job_id).status == "COMPLETED"
    seen = proc.scan()
    assert not [each for each in heartbeats if each in seen and seen[each].alive]
    assert len(wait_for_worker(lambda: _pings(worker), "another heartbeat")) == 1


def test_row_2_a_handler_killed_mid_job_takes_jobs_again(
    tmp_path: Path, gateway: RefusingGateway, webui: StandInWebUI
) -> None:
    """In the same folder: the next one ends the job with the same seed, and then takes others."""
    webui.script = ["hang"]
    with handler(tmp_path, gateway, webui) as first:
        gateway.submit("mid", {"prompt": "x"})
        wait_for(lambda: webui.busy, "the job at the WebUI")
        killed(first.process)
    webui.release.set()
    with handler(tmp_path, gateway, webui) as second:
        assert result_of(gateway, "mid")["output"]["seeds"] == [webui.bodies[0]["seed"]]
        assert webui.bodies[0]["seed"] == webui.bodies[1]["seed"]
        gateway.submit("next", {"prompt": "y"})
        assert "error" not in result_of(gateway, "next")
        assert second.leave() == 0


def test_row_3_a_job_granted_after_sigterm_is_run(tmp_path: Path, webui: StandInWebUI) -> None:
    """A job that the open poll brings after SIGTERM, which the SDK takes and drops, completes."""
    with (
        RefusingGateway([], hold_s=20.0) as gateway,
        handler(tmp_path, gateway, webui) as running,
    ):
        running.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "Kill worker" in running.log, "the signal to be noticed")
        # The SDK looks every 100 ms whether it may stop running jobs: later than that is late.
        threading.Timer(1.0, gateway.submit, ("late", {"prompt": "x"})).start()
        # Ends the SDK's other open poll, without which it does not leave either.
        gateway.stops.put("nobody")
        assert "error" not in result_of(gateway, "late")
        assert running.process.wait(PATIENCE_S) == 0
        assert len(gateway.results("late")) == 1
        assert "job late was granted while the worker was leaving" in running.log


def test_row_4_a_result_outlives_an_outage(
    tmp_path: Path, gateway: RefusingGateway, webui: StandInWebUI
) -> None:
    """More refusals than the SDK has patience for, 429 among them, and one result in the end."""
    gateway.refusals = [500, 503, 429, 500, 500, 502]
    with handler(tmp_path, gateway, webui, "journal.backoff_max_s=500ms") as running:
        gateway.submit("kept", {"prompt": "x"})
        assert "error" not in result_of(gateway, "kept")
        assert running.leave() == 0
    assert gateway.refusals == []
    assert len(webui.bodies) == 1


def test_row_5_a_result_that_is_no_json_is_posted_as_failed(
    tmp_path: Path, gateway: RefusingGateway, webui: StandInWebUI
) -> None:
    """The SDK would post nothing; here the job fails by name, and the next one runs."""
    webui.lists["samplers"] = {"x": float("nan")}
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("nan", {"api": {"method": "GET", "endpoint": "/sdapi/v1/samplers"}})
        assert result_of(gateway, "nan")["error"].startswith("WEBUI_BAD_ANSWER: ")
        gateway.submit("next", {"prompt": "y"})
        assert "error" not in result_of(gateway, "next")
        assert running.leave() == 0


def test_row_6_a_worker_that_holds_a_job_back_is_not_locked_up(
    tmp_path: Path, gateway: RefusingGateway, webui: StandInWebUI
) -> None:
    """Intake is held within the job: no concurrency of 0, and SIGTERM still ends the worker."""
    webui.is_ready = False
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("waits", {"prompt": "x"})
        wait_for(lambda: gateway.messages("waits"), "the job to say that it waits")
        running.process.send_signal(signal.SIGTERM)
        webui.is_ready = True
        assert "error" not in result_of(gateway, "waits")
        assert running.process.wait(PATIENCE_S) == 0


def test_row_7_a_dead_webui_does_not_burn_the_queue(worker: Worker) -> None:
    """The job in hand is run again by the WebUI that comes back, and so are those behind it."""
    first = worker.submit(_LONG)
    wait_for_worker(lambda: worker.progress_of(first), "the job at the WebUI")
    old = worker.kill("webui")
    behind = [worker.submit(JOB) for _ in range(2)]
    worker.wait_until_back("webui", old)
    ends = [worker.wait_for_job(each).status for each in (first, *behind)]
    assert ends == ["COMPLETED"] * 3


def test_row_8_what_the_webui_rejects_is_failed(
    tmp_path: Path, gateway: RefusingGateway, webui: StandInWebUI
) -> None:
    """Neither 422 nor a route that is not there is COMPLETED."""
    rejected = b'{"detail":[{"loc":["body","eta"],"msg":"no"}]}'
    webui.script = [
        (422, "application/json", rejected),
        (404, "application/json", b'{"detail":"Not Found"}'),
    ]
    with handler(tmp_path, gateway, webui) as running:
        for name in ("422", "404"):
            gateway.submit(name, {"prompt": "x"})
            assert result_of(gateway, name)["error"].startswith("WEBUI_REJECTED: ")
        assert running.leave() == 0


def test_row_9_sigterm_drains_the_whole_worker() -> None:
    """The job in hand is delivered before anything else stops, and the exit code is 0."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        worker = Worker(Path(folder))
        try:
            worker.wait_until_ready()
            job_id = worker.submit(_LONG)
            wait_for_worker(lambda: worker.progress_of(job_id), "the job at the WebUI")
            state_path = Path(worker.plan.state_dir) / "platform.sqlite3"
        finally:
            assert worker.stop() == 0
        with closing(sqlite3.connect(state_path)) as state:
            rows = state.execute("SELECT record FROM job").fetchall()
    jobs = [msgspec.json.decode(record, type=Job) for (record,) in rows]
    assert [(each.id, each.status) for each in jobs] == [(job_id, "COMPLETED")]


def test_row_10_a_worker_can_be_looked_into(worker: Worker) -> None:
    """It says how it is, in figures and in a word, and which jobs it has had."""
    port = worker.plan.settings.watchdog.port
    for page, said in (("metrics", "podkeeper_"), ("readyz", "")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=60) as answer:
            assert answer.status == 200
            assert said in answer.read().decode()
    done = worker.do(JOB)
    entries = {each["id"]: each for each in worker.json("jobs")}
    assert entries[done.id]["state"] == "delivered"
    assert os.access(worker.plan.journal_path, os.R_OK)
