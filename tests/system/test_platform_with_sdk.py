"""The unmodified RunPod SDK works against the local platform, through the death of either.

Each test starts real processes: the platform as a program, and a worker of a few lines on the SDK.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from podkeeper.sim.platform.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytest.importorskip("runpod")

DEADLINE_S = 100
KEY = "a-key-of-the-test"
#: Sends each step of progress, then waits for the file `go` before it ends.
WORKER = """
import asyncio, pathlib, runpod

async def handler(job):
    wish = job["input"]
    pathlib.Path("started-" + job["id"]).touch()
    for step in (0.25, 0.5):
        runpod.serverless.progress_update(job, {"progress": step})
        await asyncio.sleep(0.2)
    while wish.get("wait") and not pathlib.Path("go").exists():
        await asyncio.sleep(0.02)
    if wish.get("error"):
        return {"error": wish["error"]}
    return {"echo": wish["text"]}

runpod.serverless.start({"handler": handler})
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(condition: Callable[[], Any]) -> Any:
    end_s = time.monotonic() + DEADLINE_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end_s, "the condition never held"
        time.sleep(0.05)


@dataclasses.dataclass
class World:
    """A folder, a port, and the processes started on them."""

    folder: Path
    port: int
    processes: list[subprocess.Popen[bytes]] = dataclasses.field(default_factory=list)

    @property
    def client(self) -> Client:
        """Return a client of the platform."""
        return Client(f"http://127.0.0.1:{self.port}/v2/local", KEY)

    def _spawn(self, name: str, command: list[str], environ: dict[str, str]) -> Any:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def platform(self, **settings: str) -> Any:
        """Start the platform and return it once it is ready."""
        command = [sys.executable, "-m", "podkeeper.sim.platform", "--port", str(self.port)]
        state = ["--state-file", str(self.folder / "state.sqlite3")]
        environ = {f"PODKEEPER_PLATFORM__{name.upper()}": text for name, text in settings.items()}
        process = self._spawn("platform", [*command, *state], {**environ, "RUNPOD_AI_API_KEY": KEY})
        _wait_for(lambda: self._ready(process))
        return process

    def _ready(self, process: Any) -> bool:
        assert process.poll() is None, (self.folder / "platform.log").read_text()
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            link.request("GET", "/ready")
            return link.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            link.close()

    def worker(self, pod: str) -> Any:
        """Start a worker on the SDK."""
        base = self.client.url
        return self._spawn(
            pod,
            [sys.executable, "-c", WORKER],
            {
                "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=X",
                "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=X",
                "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=X",
                "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID?gpu=X",
                "RUNPOD_POD_ID": pod,
                "RUNPOD_AI_API_KEY": KEY,
                "RUNPOD_ENDPOINT_ID": "local",
                "RUNPOD_PING_INTERVAL": "1000",
                "RUNPOD_LOG_LEVEL": "INFO",
                "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
                "RUNPOD_SKIP_GPU_CHECK": "true",
            },
        )

    def started(self, job_id: str) -> None:
        """Return once a handler has the job."""
        _wait_for((self.folder / f"started-{job_id}").exists)

    def history(self, job_id: str) -> list[str]:
        """Return what happened to a job, in order, but for its progress."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        link.request("GET", f"/platform/jobs/{job_id}", headers={"Authorization": KEY})
        events = json.loads(link.getresponse().read())["events"]
        link.close()
        # How much progress came, and whether the last of it came in time, is chance.
        return [event["kind"] for event in events if "progress" not in event["kind"]]

    def kill(self, process: Any) -> None:
        """Kill a process with all its children: the SDK's heartbeat would outlive its worker."""
        tree: list[psutil.Process] = []
        if process.poll() is None:
            parent = psutil.Process(process.pid)
            tree = [*parent.children(recursive=True), parent]
        for each in tree:
            if each.is_running():
                each.kill()
        process.wait(DEADLINE_S)

    def end(self) -> None:
        """Leave nothing behind."""
        for process in self.processes:
            self.kill(process)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world that leaves nothing behind."""
    made = World(tmp_path, _free_port())
    yield made
    made.end()


def test_run_progress_error_and_cancel(world: World) -> None:
    """Jobs complete with their progress seen in order, fail with their error, and are cancelled."""
    platform = world.platform()
    world.worker("w1")
    seen: list[float] = []

    def on_update(state: Any) -> None:
        if state.status == "IN_PROGRESS" and state.output:
            seen.append(state.output["progress"])

    job = world.client.submit({"text": "naïve ☂"})
    ended = world.client.wait(job.id, on_update, DEADLINE_S)
    assert (ended.status, ended.output, ended.worker) == ("COMPLETED", {"echo": "naïve ☂"}, "w1")
    assert seen == sorted(seen)
    assert seen
    failed = world.client.submit_sync({"text": "", "error": "no luck"}, DEADLINE_S)
    assert (failed.status, failed.error) == ("FAILED", "no luck")
    stuck = world.client.submit({"text": "", "wait": True})
    world.started(stuck.id)
    assert world.client.cancel(stuck.id).status == "CANCELLED"
    # The SDK ends the handler of a cancelled job, and so has room for the next.
    last = world.client.submit({"text": "after"})
    assert world.client.wait(last.id, deadline_s=DEADLINE_S).output == {"echo": "after"}
    assert world.history(stuck.id)[-2:] == ["cancelled", "stop_sent"]
    assert world.history(job.id).count("done") == 1
    platform.terminate()
    assert platform.wait(DEADLINE_S) in {0, -signal.SIGTERM}


def test_the_platform_is_killed_in_the_middle_of_a_job(world: World) -> None:
    """A platform that is killed comes back with its jobs, and the running one completes."""
    first = world.platform()
    world.worker("w1")
    running = world.client.submit({"text": "one", "wait": True})
    world.started(running.id)
    queued = world.client.submit({"text": "two"})
    world.kill(first)
    world.platform()
    assert world.client.status(running.id).status == "IN_PROGRESS"
    assert world.client.status(queued.id).status == "IN_QUEUE"
    (world.folder / "go").touch()
    ended = [world.client.wait(job.id, deadline_s=DEADLINE_S) for job in (running, queued)]
    assert [each.output for each in ended] == [{"echo": "one"}, {"echo": "two"}]
    for job in (running, queued):
        events = world.history(job.id)
        assert (events.count("granted"), events.count("done")) == (1, 1)


def test_a_killed_workers_job_goes_to_another(world: World) -> None:
    """A worker that is killed loses its job to the queue, and another completes it."""
    world.platform(ping_loss_s="4s")
    victim = world.worker("w1")
    job = world.client.submit({"text": "again", "wait": True})
    world.started(job.id)
    world.kill(victim)
    (world.folder / "go").touch()
    world.worker("w2")
    ended = world.client.wait(job.id, deadline_s=DEADLINE_S)
    assert (ended.status, ended.worker) == ("COMPLETED", "w2")
    wanted = ["submitted", "granted", "requeued", "granted", "done"]
    assert world.history(job.id) == wanted
