"""Does a worker in a small container survive a WebUI that leaks, and one that takes everything?"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from worker_container import Container, wait_for

MEMORY = "700m"
LEAK_BYTES = 50_000_000
#: The SDK takes one a second, and every seventh ends a WebUI; LEAKING_JOBS=1000 is the long run.
JOBS = int(os.environ.get("LEAKING_JOBS", "24"))
JOB = {"prompt": "a lighthouse", "steps": 1, "width": 64, "height": 64}
#: What podkeeper says of memory that is short.
SHORT = {"memory_soft", "memory_hard", "container_memory"}
#: Who must go on as if nothing were.
OTHERS = ("keeper", "watchdog", "platform")


def oom_kills(worker: Container) -> int:
    """Return how many processes the kernel has killed for memory in the container."""
    kills = json.loads(worker.read("/run/podkeeper/snapshot.json"))["memory"]["oom_kills"]
    assert kills is not None
    return int(kills)


def incidents(worker: Container) -> list[dict[str, Any]]:
    """Return all incidents, newest first."""
    return list(worker.command_json("incidents"))


def deeds(seen: list[dict[str, Any]]) -> list[str]:
    """Return all that was done about incidents."""
    return [act["deed"] for each in seen for act in each["actions"]]


def pids_of_others(worker: Container) -> dict[str, int]:
    """Return the pids of those that nothing may happen to."""
    pids = worker.pids()
    return {name: pids[name] for name in OTHERS}


@pytest.mark.timeout(900 + 5 * JOBS)
def test_a_webui_that_leaks_loses_no_job_and_meets_no_kernel(start):
    """Each restart comes between two jobs, in time, and none is counted as a crash."""
    worker = start(
        MEMORY,
        PODKEEPER_SIM_WEBUI__LEAK_BYTES=str(LEAK_BYTES),
        PODKEEPER_PLATFORM__HOLD_S="1s",
        PODKEEPER_PLATFORM__RESULT_KEEP_S="24h",
    )
    wait_for("the worker to be ready", worker.ready, worker)
    names = [worker.ask_platform("run", {"input": JOB})["id"] for _ in range(JOBS)]

    def done() -> bool:
        jobs = worker.ask_platform("health")["jobs"]
        return jobs["inQueue"] + jobs["inProgress"] == 0

    wait_for("the end of all jobs", done, worker, deadline_s=180 + 5 * JOBS)
    ends = [worker.ask_platform(f"status/{name}")["status"] for name in names]
    assert ends.count("COMPLETED") == JOBS
    assert oom_kills(worker) == 0
    seen = incidents(worker)
    assert {each["cause"] for each in seen} <= {*SHORT, "leak"}
    assert {each["program"] for each in seen} == {"webui"}
    assert "restart" in deeds(seen)
    assert "kill" not in deeds(seen)


def test_a_webui_that_takes_everything_at_once_is_the_one_that_goes(start):
    """By podkeeper or by the kernel: the incident says by whom, and nobody else is hit."""
    worker = start(MEMORY)
    wait_for("the worker to be ready", worker.ready, worker)
    before, webui = pids_of_others(worker), worker.pids()["webui"]
    worker.switch(fill={"bytes": 4 << 30, "at_progress": 0.0})
    status = worker.finish_job("more than there is")
    assert status["status"] == "COMPLETED", status
    wait_for("the worker to be ready again", worker.ready, worker)
    assert pids_of_others(worker) == before
    # The handler may have been asked to take no more jobs; a victim would have an incident.
    seen = incidents(worker)
    assert {(each["program"], each["pid"]) for each in seen} == {("webui", webui)}
    if oom_kills(worker):
        assert seen[0]["cause"] == "kernel_oom"
    else:
        assert {each["cause"] for each in seen} <= SHORT
        assert "kill" in deeds(seen)
