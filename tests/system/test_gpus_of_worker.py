"""A whole worker whose GPUs are a stand-in, loaded by the real binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nvml_stand_in import HEALTHY
from worker import DEADLINE_S, JOB, Worker, wait_for

from podkeeper.errors import PlanError
from podkeeper.model import snapshot as snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nvml_stand_in import StandIn

    from podkeeper.model.gpu import Xid
    from podkeeper.model.snapshot import Snapshot


@pytest.fixture
def worker(tmp_path: Path, nvml: StandIn) -> Iterator[Worker]:
    """Return a worker with one healthy GPU."""
    nvml.says(HEALTHY)
    environ = {
        **nvml.environ,
        "PODKEEPER_WATCHDOG__GPU_PERIOD_S": "100ms",
        "PODKEEPER_WATCHDOG__MAX_READING_AGE_S": "2s",
        "PODKEEPER_GPU__HEALTH_PERIOD_S": "100ms",
    }
    made = Worker(tmp_path, **environ)
    yield made
    made.stop()


def newest(worker: Worker) -> Snapshot | None:
    """Return the newest snapshot, or None where there is none yet."""
    try:
        return snapshots.read(worker.plan.snapshot_path)
    except PlanError:
        return None


def heard(worker: Worker, nvml: StandIn, code: int) -> list[Xid]:
    """Report an error until somebody listens, and return what was heard of."""

    def reported() -> list[Xid]:
        taken = newest(worker)
        if taken is not None and taken.xids:
            return taken.xids
        nvml.report(code)
        return []

    return wait_for(reported, "an error of the GPU")


def test_a_worker_sees_its_gpu_and_its_errors(worker: Worker, nvml: StandIn) -> None:
    """Readings, an error, the loss of the GPU and its return are in the snapshot."""

    def sees(used_bytes: int | None, *, lost: bool) -> bool:
        taken = newest(worker)
        gpus = taken.gpus if taken is not None else None
        return bool(gpus) and (gpus[0].memory_used_bytes, gpus[0].lost) == (used_bytes, lost)

    wait_for(lambda: sees(360, lost=False), "a reading of the GPU")
    first = heard(worker, nvml, 31)[0]
    assert (first.sequence, first.gpu, first.code) == (1, 0, 31)
    nvml.says("count=1 lost=1")
    wait_for(lambda: sees(None, lost=True), "the loss of the GPU")
    nvml.says("count=1 total=1000 used=5")
    wait_for(lambda: sees(5, lost=False), "the return of the GPU")


def test_a_gpu_that_does_not_answer_holds_up_nobody(worker: Worker, nvml: StandIn) -> None:
    """Snapshots go on without it, its errors are heard of, and it is read again afterwards."""

    def gpus_known(*, known: bool) -> bool:
        taken = newest(worker)
        return taken is not None and (taken.gpus is not None) is known

    wait_for(lambda: gpus_known(known=True), "a reading of the GPU")
    nvml.says(f"{HEALTHY} hang=nvmlDeviceGetUtilizationRates")
    wait_for(lambda: gpus_known(known=False), "a GPU that hangs")
    assert heard(worker, nvml, 63)[0].code == 63  # one that ends no worker
    nvml.says(HEALTHY)
    wait_for(lambda: gpus_known(known=True), "another reading of the GPU")


def test_an_error_of_the_application_ends_in_another_webui_with_the_reason(
    worker: Worker, nvml: StandIn
) -> None:
    """The WebUI that met it is killed, another comes, and a job runs on it."""
    worker.wait_until_ready()
    before = worker.line("webui").pid
    heard(worker, nvml, 31)
    wait_for(lambda: worker.line("webui").pid not in (None, before), "another webui")
    worker.wait_until_ready()
    assert worker.do(JOB).status == "COMPLETED"
    (incident,) = worker.incidents()
    assert (incident.program, incident.pid, incident.cause) == ("webui", before, "gpu_xid")
    assert "XID 31" in incident.sentence


def test_a_gpu_that_only_a_reset_mends_ends_the_worker(worker: Worker, nvml: StandIn) -> None:
    """Its exit code makes the platform replace it."""
    worker.wait_until_ready()
    heard(worker, nvml, 79)
    assert worker.process.wait(DEADLINE_S) == worker.plan.settings.restart.exit_code
    assert "XID 79" in worker.log_text()
