"""What does a worker ask of the platform?

Covers: the routes the unmodified SDK calls: job-take, job-take-batch, job-stop, job-done,
job-stream, ping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from podkeeper.sim.platform import wire
from podkeeper.sim.platform.edge import (
    RefusedError,
    answer,
    body_of,
    guarded,
    nothing,
    through_faults,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from podkeeper.sim.platform.hub import Hub
    from podkeeper.sim.platform.job import Job


def _batch_size(request: Request) -> int:
    text = request.query_params.get("batch_size", "1")
    if not (text.isascii() and text.isdigit() and int(text)):
        raise RefusedError(400, f"cannot hand out {text} jobs: batch_size must be 1 or more")
    return int(text)


def _withheld(hub: Hub) -> bool:
    first = hub.book.next_job()
    return first is not None and hub.script.withheld(hub.clock() - first.submitted_at_s)


def _grant_one(hub: Hub, pod: str) -> Job | None:
    if hub.again:
        job_id = hub.again.pop()
        return hub.do(lambda book, now_s: book.grant_again(job_id, pod, now_s))
    if not hub.book.queue or _withheld(hub):
        return None
    job = hub.do(lambda book, now_s: book.grant(pod, now_s))
    if job is not None and hub.script.granted():
        hub.again.append(job.id)
    return job


def _grant(hub: Hub, pod: str, limit: int) -> list[dict[str, Any]] | None:
    """Return up to `limit` jobs, each as a worker takes it, or None for none."""
    offers: list[dict[str, Any]] = []
    while len(offers) < limit:
        job = _grant_one(hub, pod)
        if job is None:
            break
        offers.append(wire.offer(job, hub.store.input_of(job.id) or b"null"))
        if hub.again:
            break  # its second delivery belongs to another poll
    return offers or None


async def _poll(hub: Hub, request: Request, limit: int) -> list[dict[str, Any]] | None:
    pod = request.path_params["pod"]
    hub.do(lambda book, now_s: book.heard(pod, now_s, polled=True))
    return await hub.held(
        request.receive,
        lambda: _grant(hub, pod, limit),
        hub.settings.hold_s,
        lambda: _withheld(hub),
    )


async def _take(hub: Hub, request: Request) -> Response:
    async def work() -> Response:
        offers = await _poll(hub, request, 1)
        return answer(offers[0]) if offers else nothing()

    return await through_faults(hub, request, "take", work)


async def _take_batch(hub: Hub, request: Request) -> Response:
    limit = _batch_size(request)

    async def work() -> Response:
        offers = await _poll(hub, request, limit)
        return answer(offers) if offers else nothing()

    return await through_faults(hub, request, "take", work)


async def _stop(hub: Hub, request: Request) -> Response:
    pod = request.path_params["pod"]

    def stops() -> list[str] | None:
        if not (pod in hub.book.workers and hub.book.workers[pod].stops):
            return None
        return hub.do(lambda book, _: book.stops(pod))

    async def work() -> Response:
        found = await hub.held(request.receive, stops, hub.settings.hold_s)
        return answer({"jobsToStop": found}) if found else nothing()

    return await through_faults(hub, request, "stop", work)


def _result_limit_bytes(hub: Hub, job_id: str) -> int:
    job = hub.book.jobs.get(job_id)
    chosen = hub.settings
    sync = job is not None and job.terms.sync
    return chosen.sync_result_limit_bytes if sync else chosen.result_limit_bytes


def _known(job: Job | None, job_id: str) -> Response:
    if job is None:
        raise RefusedError(404, f"cannot find job {job_id}")
    return answer({"ok": True})


async def _done(hub: Hub, request: Request) -> Response:
    pod, job_id = request.path_params["pod"], request.path_params["job"]
    body = wire.parse(await body_of(request, _result_limit_bytes(hub, job_id), 400))
    result = wire.posted(body)

    async def work() -> Response:
        hub.do(lambda book, now_s: book.heard(pod, now_s))
        if result is None:
            output = body.get("output")
            job = hub.do(lambda book, now_s: book.progress(pod, job_id, output, now_s))
        else:
            job = hub.do(lambda book, now_s: book.done(pod, job_id, result, now_s))
        return _known(job, job_id)

    return await through_faults(hub, request, "progress" if result is None else "done", work)


async def _stream(hub: Hub, request: Request) -> Response:
    pod, job_id = request.path_params["pod"], request.path_params["job"]
    body = wire.parse(await body_of(request, hub.settings.stream_limit_bytes, 400))

    async def work() -> Response:
        hub.do(lambda book, now_s: book.heard(pod, now_s))
        job = hub.do(lambda book, now_s: book.stream(pod, job_id, body, now_s))
        return _known(job, job_id)

    return await through_faults(hub, request, "stream", work)


def _complaint(request: Request) -> str | None:
    asked = request.query_params
    if asked.get("status") != "unhealthy":
        return None
    return f"{asked.get('check', 'unknown check')}: {asked.get('reason', 'no reason')}"


async def _ping(hub: Hub, request: Request) -> Response:
    pod = request.path_params["pod"]
    named = tuple(each for each in request.query_params.get("job_id", "").split(",") if each)
    complaint = _complaint(request)

    async def work() -> Response:
        hub.do(lambda book, now_s: book.ping(pod, named, now_s, complaint))
        return answer({})

    return await through_faults(hub, request, "ping", work)


def routes() -> list[Route]:
    """Return the worker side of an endpoint."""
    return [
        Route("/v2/{endpoint}/job-take/{pod}", guarded(_take)),
        Route("/v2/{endpoint}/job-take-batch/{pod}", guarded(_take_batch)),
        Route("/v2/{endpoint}/job-stop/{pod}", guarded(_stop)),
        Route("/v2/{endpoint}/job-done/{pod}/{job}", guarded(_done), methods=["POST"]),
        Route("/v2/{endpoint}/job-stream/{pod}/{job}", guarded(_stream), methods=["POST"]),
        Route("/v2/{endpoint}/ping/{pod}", guarded(_ping)),
    ]
