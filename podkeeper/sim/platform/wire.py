"""What do the messages of workers and clients look like?

Covers: JSON in and out, shapes as the real platform's, pure.
Leaves out: HTTP around them (`edge`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from podkeeper.sim.platform import webhooks
from podkeeper.sim.platform.job import Result, Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from podkeeper.settings.platform import PlatformSettings
    from podkeeper.sim.platform.book import Counts
    from podkeeper.sim.platform.job import Job
    from podkeeper.sim.platform.worker import Worker

Milliseconds = Annotated[float, Meta(gt=0)]


class MessageError(ValueError):
    """A message is not what this route takes."""


class Policy(msgspec.Struct, frozen=True, rename="camel"):
    """A client's wishes for one job."""

    execution_timeout: Milliseconds | None = None
    ttl: Milliseconds | None = None
    low_priority: bool = False


class Submission(msgspec.Struct, frozen=True, rename="camel"):
    """The body of /run and /runsync; keys beside these are ignored."""

    input: Any
    webhook: str | None = None
    policy: Policy = Policy()
    s3_config: Any = msgspec.field(default=None, name="s3Config")


def parse(data: bytes, kind: Any = Any) -> Any:
    """Return a JSON text as a value of `kind`.

    Raises:
        MessageError: It is none. NaN and Infinity are no JSON.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(f"cannot read the body: {error}") from error


def terms_of(given: Submission, settings: PlatformSettings, *, sync: bool) -> Terms:
    """Return a job's terms.

    Raises:
        MessageError: The webhook is none that the stand-in calls.
    """
    if given.webhook is not None and not webhooks.allowed(given.webhook):
        raise MessageError(
            f"cannot call the webhook {given.webhook}: the local platform calls http:// URLs of "
            "loopback addresses only"
        )
    policy = given.policy
    timeout_s = policy.execution_timeout and policy.execution_timeout / 1000
    return Terms(
        sync=sync,
        ttl_s=policy.ttl / 1000 if policy.ttl else settings.ttl_s,
        execution_timeout_s=timeout_s or settings.execution_timeout_s,
        low_priority=policy.low_priority,
        webhook=given.webhook,
        s3_config=given.s3_config,
    )


def offer(job: Job, job_input: bytes) -> dict[str, Any]:
    """Return a job as a worker takes it."""
    s3 = {} if job.terms.s3_config is None else {"s3Config": job.terms.s3_config}
    return {"id": job.id, "input": msgspec.Raw(job_input), **s3}


def posted(body: Any) -> Result | None:
    """Return the result in a body of job-done; None where it is progress.

    Raises:
        MessageError: It is no JSON object.
    """
    if not isinstance(body, dict):
        raise MessageError("cannot read the body: expected a JSON object")
    if body.get("status") == "IN_PROGRESS":
        return None
    return Result(
        output=body.get("output"),
        error=body.get("error"),
        stop_pod=body.get("stopPod") is True,
    )


def _ms(span_s: float) -> int:
    return max(0, round(span_s * 1000))


def status_of(job: Job) -> dict[str, Any]:
    """Return a job as clients see it; times are in milliseconds."""
    shape: dict[str, Any] = {"id": job.id, "status": job.status}
    if job.granted_at_s is not None:
        shape["delayTime"] = _ms(job.granted_at_s - job.submitted_at_s)
        shape["workerId"] = job.pod
        if job.finished_at_s is not None:
            shape["executionTime"] = _ms(job.finished_at_s - job.granted_at_s)
    if job.error is not None:
        shape["error"] = job.error
    if job.output is not None:
        shape["output"] = job.output
    return shape


def health_of(jobs: Iterable[Job], workers: Iterable[Worker], counts: Counts) -> dict[str, Any]:
    """Return the endpoint's health. Ready are the workers that wait for a job or run one."""
    live = [job for job in jobs if job.live]
    busy = {job.pod for job in live if job.running}
    there = [each for each in workers if each.lost_at_s is None]
    well = [each for each in there if each.unhealthy is None]
    running = sum(each.pod in busy for each in well)
    initializing = sum(not each.polled for each in well if each.pod not in busy)
    idle = len(well) - running - initializing
    return {
        "jobs": {
            "completed": counts.completed,
            "failed": counts.failed + counts.timed_out,
            "inProgress": sum(job.running for job in live),
            "inQueue": sum(job.queued for job in live),
            "retried": counts.retried,
        },
        "workers": {
            "idle": idle,
            "initializing": initializing,
            "ready": idle + running,
            "running": running,
            "throttled": 0,
            "unhealthy": len(there) - len(well),
        },
    }
