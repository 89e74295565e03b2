"""Where does the handler touch the RunPod SDK?

Covers: starting it, its key, its list of jobs, and what is to be done in its event loop and after
it. The only file that imports `runpod`; nothing of it is patched.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import TYPE_CHECKING, Any

import runpod
from runpod.http_client import get_auth_header
from runpod.serverless.modules.rp_ping import Heartbeat as Ping
from runpod.serverless.modules.worker_state import WORKER_ID, JobsProgress

from handler.heartbeat import Heartbeat
from handler.poster import Poster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from handler.durability import Durability

    Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

log = logging.getLogger("handler")


def pod() -> str:
    """Return this worker's name on the platform."""
    return str(WORKER_ID)


def poster(post_output: str, timeout_s: float, result_timeout_s: float) -> Poster:
    """Return what sends progress and results, with the SDK's key.

    Args:
        post_output: Where results go, as the platform told the worker.
        timeout_s: Bound of a progress message.
        result_timeout_s: Bound of a result.
    """
    template = post_output.replace("$RUNPOD_POD_ID", pod())
    return Poster(template, get_auth_header()["Authorization"], timeout_s, result_timeout_s)


def in_progress() -> set[str]:
    """Return the ids of the jobs that the SDK has taken and that have not ended."""
    return {str(job.id) for job in JobsProgress()}


def _beat() -> None:
    """Ping with the names of the jobs in progress, as the SDK's own heartbeat does."""
    Ping.process_loop(JobsProgress()._mirror)  # noqa: SLF001 - the memory both processes share


def _heartbeat(shortest_s: float) -> Heartbeat:
    return Heartbeat(lambda: bool(Ping._process_started), _beat, shortest_s)  # noqa: SLF001 - the SDK's only word of it


class _Attendance:
    """What is begun once the SDK's event loop runs, which it says by asking for the concurrency."""

    def __init__(self, durability: Durability, concurrency: int, found: list[str]) -> None:
        self._durability = durability
        self._concurrency = concurrency
        self._found = found
        self._task: asyncio.Task[None] | None = None

    def concurrency(self, _current: int) -> int:
        """Return it: constant and never 0, with which an open poll that brings a job locks up."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._durability.attend())
            self._task.add_done_callback(_ended)
            self._durability.names.attach(JobsProgress())
            for name in self._found:
                JobsProgress().remove(name)
        return self._concurrency


def _ended(task: asyncio.Task[None]) -> None:
    """Leave, where the SDK has nobody to talk to: the keeper starts another handler."""
    if not task.cancelled() and task.exception() is not None:
        log.critical("cannot serve the SDK: %r", task.exception())
        os.kill(os.getpid(), signal.SIGTERM)


def serve(durability: Durability, found: list[str], concurrency: int, heartbeat_s: float) -> None:
    """Take and run jobs until the process is told to leave, then return.

    A job granted on the poll that is open when SIGTERM comes is taken by the SDK and left. It is in
    the journal, and run before the process ends; the heartbeat goes on naming it meanwhile.

    Args:
        durability: Keeps the jobs.
        found: Jobs that a former handler left: the very first heartbeat names them.
        concurrency: Jobs at once.
        heartbeat_s: Heartbeats that end sooner have died.
    """
    heartbeat = _heartbeat(heartbeat_s)
    heartbeat.attach()
    for name in found:
        JobsProgress().add(name)
    attendance = _Attendance(durability, concurrency, found)
    try:
        runpod.serverless.start(
            {"handler": durability.handle, "concurrency_modifier": attendance.concurrency}
        )
        asyncio.run(durability.leave())
    finally:
        heartbeat.detach()


def serve_locally(handler: Handler) -> None:
    """Run what the command line asks for, without a platform."""
    runpod.serverless.start({"handler": handler})
