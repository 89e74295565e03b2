"""What does a client ask of an endpoint?

Covers: run, runsync, status, stream, cancel, retry, purge-queue, health.
Leaves out: the real platform's rate limits.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from podkeeper.sim.platform import wire
from podkeeper.sim.platform.edge import RefusedError, answer, body_of, guarded, through_faults

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from podkeeper.sim.platform.edge import Handler
    from podkeeper.sim.platform.hub import Hub
    from podkeeper.sim.platform.job import Job


def _with_faults(handler: Handler) -> Handler:
    async def wrapped(hub: Hub, request: Request) -> Response:
        return await through_faults(hub, request, "client", lambda: handler(hub, request))

    return wrapped


def _find(hub: Hub, request: Request) -> Job:
    return _known(hub, request.path_params["job"])


def _known(hub: Hub, job_id: str) -> Job:
    job = hub.book.ask(job_id)
    if job is None:
        raise RefusedError(404, f"cannot find job {job_id}: it never was, or its time is over")
    return job


async def _submit(hub: Hub, request: Request, *, sync: bool) -> Job:
    limit = hub.settings.runsync_limit_bytes if sync else hub.settings.run_limit_bytes
    body = await body_of(request, limit, 413)
    given: wire.Submission = wire.parse(body, wire.Submission)
    terms = wire.terms_of(given, hub.settings, sync=sync)
    job_id = f"{'sync-' if sync else ''}{uuid.uuid4()}-u1"
    job_input = (job_id, msgspec.json.encode(given.input))
    return hub.do(lambda book, now_s: book.submit(job_id, terms, now_s), job_input)


async def _run(hub: Hub, request: Request) -> Response:
    return answer(wire.status_of(await _submit(hub, request, sync=False)))


def _wait_s(hub: Hub, request: Request) -> float:
    text = request.query_params.get("wait")
    if text is None:
        return hub.settings.sync_wait_s
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(400, f"cannot wait {text}: wait must be a number of milliseconds")
    return min(int(text) / 1000, hub.settings.sync_wait_max_s)


async def _runsync(hub: Hub, request: Request) -> Response:
    wait_s = _wait_s(hub, request)
    job_id = (await _submit(hub, request, sync=True)).id

    def ended() -> bool | None:
        job = hub.book.ask(job_id)
        return job is None or job.terminal or None

    await hub.held(request.receive, ended, wait_s)
    return answer(wire.status_of(_known(hub, job_id)))


async def _status(hub: Hub, request: Request) -> Response:
    return answer(wire.status_of(_find(hub, request)))


async def _stream(hub: Hub, request: Request) -> Response:
    """Answer the chunks nobody has fetched yet, as soon as there is one or the job has ended."""
    job_id = _find(hub, request).id

    def news() -> bool | None:
        job = hub.book.ask(job_id)
        return job is None or job.terminal or job.stream_read < len(job.stream) or None

    await hub.held(request.receive, news, hub.settings.hold_s)
    job = _find(hub, request)
    chunks = hub.do(lambda book, _: book.read_stream(job_id))
    return answer({"status": job.status, "stream": chunks})


async def _cancel(hub: Hub, request: Request) -> Response:
    job_id = _find(hub, request).id
    return answer(wire.status_of(hub.do(lambda book, now_s: book.cancel(job_id, now_s))))


async def _retry(hub: Hub, request: Request) -> Response:
    job_id = _find(hub, request).id
    return answer(wire.status_of(hub.do(lambda book, now_s: book.retry(job_id, now_s))))


async def _purge(hub: Hub, _request: Request) -> Response:
    removed = hub.do(lambda book, now_s: book.purge(now_s))
    return answer({"removed": removed, "status": "completed"})


async def _health(hub: Hub, _request: Request) -> Response:
    book = hub.book
    return answer(wire.health_of(book.jobs.values(), book.workers.values(), book.counts))


def routes() -> list[Route]:
    """Return the client side of an endpoint."""
    known: dict[str, tuple[Handler, list[str]]] = {
        "run": (_run, ["POST"]),
        "runsync": (_runsync, ["POST"]),
        "status/{job}": (_status, ["GET", "POST"]),
        "stream/{job}": (_stream, ["GET", "POST"]),
        "cancel/{job}": (_cancel, ["POST"]),
        "retry/{job}": (_retry, ["POST"]),
        "purge-queue": (_purge, ["POST"]),
        "health": (_health, ["GET"]),
    }
    return [
        Route(f"/v2/{{endpoint}}/{path}", guarded(_with_faults(handler)), methods=methods)
        for path, (handler, methods) in known.items()
    ]
