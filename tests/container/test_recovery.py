"""Does a worker in a container come back from the death of each of its processes?"""

from __future__ import annotations

import base64
import json

import pytest
from worker_container import wait_for

PNG = b"\x89PNG\r\n\x1a\n"


def assert_completed(status):
    """A job ended with a picture."""
    assert status["status"] == "COMPLETED", status
    images = status["output"]["images"]
    assert base64.b64decode(images[0])[: len(PNG)] == PNG


def test_a_submitted_job_ends_with_a_picture(worker):
    """`podkeeper submit` in the container sends a job and keeps its PNG."""
    job = json.dumps({"input": {"prompt": "a lighthouse at dusk", "steps": 4}})
    worker.run("sh", "-c", 'printf %s "$1" >/tmp/job.json', "sh", job)
    done = worker.run("podkeeper", "submit", "/tmp/job.json", "--quiet", "--output", "/tmp")
    picture = done.stdout.strip()
    assert worker.run("sh", "-c", f"head -c 4 '{picture}' | tail -c 3").stdout == "PNG"


@pytest.mark.parametrize("program", ["webui", "handler", "watchdog", "keeper"])
def test_a_killed_program_comes_back(worker, program):
    """After SIGKILL another process runs, a job completes, and an incident names the cause."""
    known = {incident["id"] for incident in worker.command_json("incidents")}
    old = worker.pids()[program]
    worker.kill(old)

    def back() -> bool:
        return worker.pids().get(program, old) != old

    wait_for(f"another {program}", back, worker)
    wait_for("the worker to be ready again", worker.ready, worker)
    assert_completed(worker.finish_job(f"after the death of {program}"))

    def named() -> list[dict[str, object]]:
        new = [each for each in worker.command_json("incidents") if each["id"] not in known]
        return [each for each in new if each["program"] == program]

    (incident,) = wait_for(f"the incident of {program}", named, worker)
    assert (incident["pid"], incident["cause"]) == (old, "signal")
    assert "SIGKILL" in incident["sentence"]


def test_nothing_of_a_killed_handler_stays(worker):
    """The SDK's heartbeat, a child of the handler, does not outlive it for long."""
    old = worker.pids()["handler"]
    tree = wait_for(
        "the handler's heartbeat",
        lambda: found if len(found := worker.tree(old)) > 1 else None,
        worker,
    )
    gone = {each.identity for each in tree}
    worker.kill(old)
    wait_for("another handler", lambda: worker.pids().get("handler", old) != old, worker)
    alive = {each.identity for each in worker.processes().values()}
    assert not alive & gone
    assert_completed(worker.finish_job("after the death of a whole tree"))


def test_the_kernels_kill_is_told_from_anybody_elses(start):
    """A WebUI that outgrows the container has an incident that names the kernel's memory killer."""
    # Lines that are never reached, and a wait for jobs, leave the deed to the kernel.
    limits = {
        "PODKEEPER_WEBUI__MEMORY_SOFT": "20GiB",
        "PODKEEPER_WEBUI__MEMORY_HARD": "30GiB",
        "PODKEEPER_MEMORY__CRITICAL_FACTOR": "1000",
        "PODKEEPER_THRESHOLDS__MEMORY_SOFT": "0.2%",
        "PODKEEPER_THRESHOLDS__MEMORY_HARD": "0.1%",
        "PODKEEPER_THRESHOLDS__MEMORY_CRITICAL": "0",
    }
    worker = start("700m", PODKEEPER_SIM_WEBUI__REAL_RAM="true", **limits)

    def named() -> list[dict[str, object]]:
        known = worker.command_json("incidents") if "keeper" in worker.pids() else []
        ours = [each for each in known if each["program"] == "webui"]
        return [each for each in ours if each["cause"] == "kernel_oom"]

    incident = wait_for("the incident", named, worker)[-1]
    assert incident["evidence"]["oom_kills_after"] > 0
