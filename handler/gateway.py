"""Where does the handler touch the RunPod SDK?

Covers: starting it, the address and header of a progress message, and the job it takes and drops
while it leaves. The only file that imports `runpod`; nothing of it is patched.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import requests
import runpod
from runpod.http_client import AsyncClientSession, get_auth_header
from runpod.serverless.modules.rp_http import JOB_DONE_URL
from runpod.serverless.modules.rp_job import handle_job
from runpod.serverless.modules.worker_state import JobsProgress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

log = logging.getLogger("handler")

_TEMPLATES = ("RUNPOD_WEBHOOK_GET_JOB", "RUNPOD_WEBHOOK_POST_OUTPUT")
#: Arguments with which the SDK runs without a platform.
_LOCAL_ARGUMENTS = ("--test_input", "--rp_serve_api")


def environment_fault(environ: Mapping[str, str], arguments: list[str]) -> str | None:
    """Return why no job can be taken in this environment, or None."""
    if any(each.startswith(_LOCAL_ARGUMENTS) for each in arguments):
        return None
    for name in _TEMPLATES:
        value = environ.get(name)
        if not value:
            return f"cannot take jobs: {name} is not set; the platform sets it"
        if "?" not in value:
            # The SDK appends "&…" to it: without a question mark that becomes part of the path.
            return f"cannot take jobs: {name} has no question mark"
    return None


class ProgressPoster:
    """Sends progress messages to where the SDK sends results."""

    def __init__(self, timeout_s: float, url_template: str = JOB_DONE_URL) -> None:
        self._timeout_s = timeout_s
        self._template = url_template
        self._headers = {
            "Authorization": get_auth_header()["Authorization"],
            "Content-Type": "application/x-www-form-urlencoded",
            "charset": "utf-8",
        }
        self._session = requests.Session()
        # Like the SDK: no proxy, and no .netrc that would replace the header.
        self._session.trust_env = False

    def post(self, job_id: str, output: dict[str, object]) -> None:
        """Send one message. A failure is logged: progress never fails a job."""
        if not self._template.startswith("http"):
            return
        url = self._template.replace("$ID", job_id) + "&isStream=false"
        data = json.dumps({"status": "IN_PROGRESS", "output": output}).encode()
        headers = {**self._headers, "X-Request-ID": job_id}
        try:
            self._session.post(
                url, data=data, headers=headers, timeout=self._timeout_s
            ).raise_for_status()
        except requests.RequestException as error:
            log.warning("job %s: progress was not delivered: %s", job_id, type(error).__name__)


def _dropped() -> list[dict[str, Any]]:
    """Return the jobs the SDK still counts as in progress, as they were granted."""
    return [dict(vars(job)) for job in JobsProgress()]


async def _finish(jobs: list[dict[str, Any]], handler: Handler) -> None:
    async with AsyncClientSession() as session:
        for job in jobs:
            log.info("job %s was granted while the worker was leaving: running it", job["id"])
            await handle_job(session, {"handler": handler, "rp_args": {}}, job)
            JobsProgress().remove(job)


def serve(handler: Handler, concurrency: int) -> None:
    """Take and run jobs until the process is told to leave, then return.

    A job granted on the poll that is open when SIGTERM comes is taken by the SDK, counted as in
    progress, and left. It is run here, in the SDK's own way, before the process ends; the
    heartbeat goes on naming it meanwhile.
    """
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
