"""Where does the handler touch the RunPod SDK?

Covers: starting it, its address and key for progress, and the job it takes and drops while it
leaves. The only file that imports `runpod`; nothing of it is patched.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import runpod
from runpod.http_client import AsyncClientSession, get_auth_header
from runpod.serverless.modules.rp_http import JOB_DONE_URL
from runpod.serverless.modules.rp_job import handle_job
from runpod.serverless.modules.rp_ping import Heartbeat as Ping
from runpod.serverless.modules.worker_state import JobsProgress

from handler.heartbeat import Heartbeat
from handler.poster import ProgressPoster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

log = logging.getLogger("handler")


def poster(timeout_s: float) -> ProgressPoster:
    """Return what sends progress to where the SDK sends results, with the SDK's key."""
    return ProgressPoster(JOB_DONE_URL, get_auth_header()["Authorization"], timeout_s)


def in_progress() -> set[str]:
    """Return the ids of the jobs that were granted and whose results are not delivered."""
    return {str(job.id) for job in JobsProgress()}


def _dropped() -> list[dict[str, Any]]:
    """Return the jobs the SDK still counts as in progress, as they were granted."""
    return [dict(vars(job)) for job in JobsProgress()]


async def _finish(jobs: list[dict[str, Any]], handler: Handler) -> None:
    async with AsyncClientSession() as session:

        async def finish(job: dict[str, Any]) -> None:
            log.info("job %s was granted while the worker was leaving: running it", job["id"])
            await handle_job(session, {"handler": handler, "rp_args": {}}, job)
            JobsProgress().remove(job)

        ends = await asyncio.gather(*map(finish, jobs), return_exceptions=True)
    for job, end in zip(jobs, ends, strict=True):
        if isinstance(end, BaseException):
            log.error("job %s: its result was not delivered: %r", job["id"], end)


def _beat() -> None:
    """Ping with the names of the jobs in progress, as the SDK's own heartbeat does."""
    Ping.process_loop(JobsProgress()._mirror)  # noqa: SLF001 - the memory both processes share


def _heartbeat(shortest_s: float) -> Heartbeat:
    return Heartbeat(lambda: bool(Ping._process_started), _beat, shortest_s)  # noqa: SLF001 - the SDK's only word of it


def serve(handler: Handler, concurrency: int, shortest_heartbeat_s: float) -> None:
    """Take and run jobs until the process is told to leave, then return.

    A job granted on the poll that is open when SIGTERM comes is taken by the SDK, counted as in
    progress, and left. It is run here, in the SDK's own way, before the process ends; the
    heartbeat goes on naming it meanwhile.
    """
    heartbeat = _heartbeat(shortest_heartbeat_s)
    heartbeat.attach()
    try:
        runpod.serverless.start(
            {
                "handler": handler,
                # Constant and never 0: with 0 an open poll that brings a job locks the SDK up.
                "concurrency_modifier": lambda _current: concurrency,
            }
        )
        jobs = _dropped()
        if jobs:
            asyncio.run(_finish(jobs, handler))
    finally:
        heartbeat.detach()
