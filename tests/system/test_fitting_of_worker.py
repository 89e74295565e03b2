"""Video memory that runs out under jobs, with real processes: what a restart mends, it mends."""

from __future__ import annotations

import json
import tempfile
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from worker import DEADLINE_S, JOB, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a worker that is ready, with a small card, and stop it."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        made = Worker(Path(folder), PODKEEPER_SIM_WEBUI__VRAM_BYTES="5GiB")
        try:
            made.wait_until_ready()
            yield made
        finally:
            log = made.log_text()
            code = made.stop()
        assert code == 0, log[-6000:]


def run_out(worker: Worker, jobs: int) -> None:
    """Let so many requests run out of memory, or as many as come before the WebUI is restarted."""
    port = int(worker.environ["PODKEEPER_WEBUI__PORT"])
    body = json.dumps({"oom": {"jobs": jobs}})
    with closing(HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)) as connection:
        connection.request("POST", "/sim/faults", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200


def memory_of(worker: Worker, **fields: Any) -> dict[str, Any]:
    """Return what the result of a job says of its memory."""
    state = worker.do({**JOB, **fields})
    assert state.status == "COMPLETED", state
    assert isinstance(state.output, dict)
    found: dict[str, Any] = state.output["memory"]
    return found


def test_a_job_too_large_for_its_card_is_recut(worker: Worker) -> None:
    """Ten images come back from a card that holds fewer at once."""
    told = memory_of(worker, width=512, height=512, batch_size=10, steps=1)
    assert len(told["batches"]) > 1
    assert sum(told["batches"]) == 10
    assert told["planned_peak_bytes"] <= told["limit_bytes"] < 5 << 30


def test_what_was_learned_lies_in_the_state_folder(worker: Worker) -> None:
    """Peaks are kept where the next start finds them."""
    file = worker.plan.handler_state_path / "memory.json"
    assert json.loads(file.read_text())["known"]


def test_a_webui_that_only_a_restart_mends_is_restarted_under_the_job(worker: Worker) -> None:
    """The keeper carries out the order, the job ends with its image, and no incident opens."""
    before = worker.line("webui").pid
    run_out(worker, jobs=1000)
    told = memory_of(worker)
    assert told["retries"] == ["retry", "halves_apart", "reload_model", "restart_webui"]
    assert worker.line("webui").pid != before
    worker.wait_until_ready()
    assert worker.incidents() == []
    assert memory_of(worker)["retries"] == []
