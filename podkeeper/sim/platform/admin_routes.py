"""What does the stand-in say of itself, and how is it told to misbehave?

Covers: what the real platform does not have: /, /ready, /platform, /platform/jobs/{job} and
/platform/faults.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from podkeeper.sim.platform import faults, wire
from podkeeper.sim.platform.edge import RefusedError, answer, body_of, guarded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from podkeeper.sim.platform.hub import Hub
    from podkeeper.sim.platform.job import Job

WHAT = (
    "podkeeper's local RunPod platform: a stand-in for RunPod's serverless queue on this machine. "
    "It is not RunPod, and what is not known of RunPod is one of its parameters."
)


async def _root(_request: Request) -> Response:
    return PlainTextResponse(f"{WHAT}\nGET /platform says more.\n")


async def _ready(_request: Request) -> Response:
    return PlainTextResponse("ready\n")


def _history(job: Job) -> dict[str, Any]:
    """Return a job's story: everything but what may be large."""
    shown: dict[str, Any] = msgspec.to_builtins(job)
    for large in ("output", "stream", "terms"):
        del shown[large]
    return shown


async def _about(hub: Hub, _request: Request) -> Response:
    book = hub.book
    return answer(
        {
            "what": WHAT,
            "endpoint": hub.settings.endpoint,
            "auth": hub.key is not None,
            "parameters": msgspec.to_builtins(hub.settings),
            "faults": faults.shown(hub.script),
            "counts": msgspec.to_builtins(book.counts),
            "jobs": [_history(job) for job in book.jobs.values()],
            "workers": [msgspec.to_builtins(each) for each in book.workers.values()],
        }
    )


async def _job(hub: Hub, request: Request) -> Response:
    job_id = request.path_params["job"]
    if job_id not in hub.book.jobs:
        raise RefusedError(404, f"cannot find job {job_id}")
    return answer(_history(hub.book.jobs[job_id]))


async def _faults(hub: Hub, request: Request) -> Response:
    """Add faults (POST: one or a list), or drop all that are still to come (DELETE)."""
    if request.method == "DELETE":
        hub.script.faults.clear()
        hub.again.clear()
    elif request.method == "POST":
        body = wire.parse(await body_of(request, hub.settings.run_limit_bytes, 413))
        hub.script.faults.extend(faults.parse(body, "POST /platform/faults"))
    hub.wake()
    return answer({"faults": faults.shown(hub.script)})


def routes() -> list[Route]:
    """Return what only the stand-in has."""
    return [
        Route("/", _root),
        Route("/ready", _ready),
        Route("/platform", guarded(_about)),
        Route("/platform/jobs/{job}", guarded(_job)),
        Route("/platform/faults", guarded(_faults), methods=["GET", "POST", "DELETE"]),
    ]
