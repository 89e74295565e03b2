"""How does one job go from one state to the next?

Covers: each step as a pure function of the job, the instant and what came in. A step that does not
apply leaves all but the history as it was: a result that came late is counted, never obeyed.
Leaves out: which step is due (`book`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from podkeeper.sim.platform.job import Event, EventKind, Job, Result, Status, Terms

if TYPE_CHECKING:
    from podkeeper.settings.platform import PlatformSettings


class StepError(ValueError):
    """A job cannot take this step from the state it is in."""


def _noted(
    job: Job, kind: EventKind, at_s: float, pod: str | None = None, detail: Any = None
) -> Job:
    event = Event(kind=kind, at_s=at_s, pod=pod, detail=detail)
    return replace(job, events=(*job.events, event))


def _ended(job: Job, status: Status, now_s: float) -> Job:
    return replace(job, status=status, finished_at_s=now_s, unlisted_since_s=None)


def submitted(job_id: str, number: int, terms: Terms, now_s: float) -> Job:
    """Return a new job that waits."""
    job = Job(id=job_id, number=number, terms=terms, status="IN_QUEUE", submitted_at_s=now_s)
    return _noted(job, "submitted", now_s)


def granted(job: Job, pod: str, now_s: float) -> Job:
    """Return the job in the hands of a worker.

    Raises:
        StepError: It does not wait.
    """
    if not job.queued:
        raise StepError(f"cannot grant job {job.id}: it is {job.status}")
    held = replace(
        job,
        status="IN_PROGRESS",
        pod=pod,
        granted_at_s=now_s,
        attempts=job.attempts + 1,
        output=None,
        unlisted_since_s=None,
    )
    return _noted(held, "granted", now_s, pod)


def granted_again(job: Job, pod: str, now_s: float) -> Job:
    """Return the job with the note that it was handed out a second time; nothing else changes."""
    return _noted(replace(job, attempts=job.attempts + 1), "granted_again", now_s, pod)


def progressed(job: Job, pod: str, output: Any, now_s: float) -> Job:
    """Return the job with this progress, unless it ended or is another worker's by now."""
    if not job.running or job.pod != pod:
        return _noted(job, "late_progress", now_s, pod, output)
    return _noted(replace(job, output=output), "progress", now_s, pod, output)


def streamed(job: Job, pod: str, chunk: Any, now_s: float) -> Job:
    """Return the job with one more chunk, unless it ended or is another worker's by now."""
    if not job.running or job.pod != pod:
        return _noted(job, "late_progress", now_s, pod)
    return _noted(replace(job, stream=(*job.stream, chunk)), "stream", now_s, pod)


def read(job: Job) -> tuple[Job, tuple[Any, ...]]:
    """Return the job and the chunks of its stream that no client has fetched yet."""
    return replace(job, stream_read=len(job.stream)), job.stream[job.stream_read :]


def _outcome(result: Result, settings: PlatformSettings) -> tuple[Status, Result]:
    if result.error is None:
        return "COMPLETED", result
    if settings.text_errors_only and not isinstance(result.error, str):
        return "COMPLETED", replace(result, output=None, error=None)
    return "FAILED", result


def done(job: Job, pod: str, result: Result, now_s: float, settings: PlatformSettings) -> Job:
    """Return the job with its result, or with one more duplicate where it has ended before."""
    strange = job.pod != pod or not job.running
    if not job.live or (strange and not settings.accept_late_results):
        return _noted(
            replace(job, duplicates=job.duplicates + 1), "duplicate", now_s, pod, job.status
        )
    status, kept = _outcome(result, settings)
    ended = replace(
        _ended(job, status, now_s),
        pod=pod,
        granted_at_s=job.granted_at_s if job.granted_at_s is not None else now_s,
        output=kept.output,
        error=kept.error,
    )
    noted = _noted(ended, "done", now_s, pod, status)
    return _noted(noted, "stop_pod", now_s, pod) if result.stop_pod else noted


def cancelled(job: Job, now_s: float, why: str | None = None) -> Job:
    """Return the job cancelled; one that has ended stays as it is."""
    if not job.live:
        return job
    ended = replace(_ended(job, "CANCELLED", now_s), output=None)
    return _noted(ended, "cancelled", now_s, job.pod if job.running else None, why)


def timed_out(job: Job, now_s: float) -> Job:
    """Return the job ended by its execution timeout."""
    error = f"execution timeout of {job.terms.execution_timeout_s:g}s exceeded"
    ended = replace(_ended(job, "TIMED_OUT", now_s), output=None, error=error)
    return _noted(ended, "timed_out", now_s, job.pod)


def taken_back(job: Job, why: str, now_s: float, settings: PlatformSettings) -> Job:
    """Return the job waiting again, or failed where it was taken back too often already."""
    if job.requeues >= settings.max_requeues:
        error = f"{why}; the job was requeued {job.requeues} times before"
        ended = replace(_ended(job, "FAILED", now_s), output=None, error=error)
        return _noted(ended, "gave_up", now_s, job.pod, why)
    waiting = replace(
        job,
        status="IN_QUEUE",
        requeues=job.requeues + 1,
        granted_at_s=None,
        output=None,
        unlisted_since_s=None,
    )
    return _noted(waiting, "requeued", now_s, job.pod, why)


def retried(job: Job, now_s: float) -> Job:
    """Return the job waiting again as its client asks.

    Raises:
        StepError: It neither failed nor timed out.
    """
    if job.gone or job.status not in {"FAILED", "TIMED_OUT"}:
        raise StepError(f"cannot retry job {job.id}: it is {job.status}, not FAILED or TIMED_OUT")
    waiting = replace(
        job,
        status="IN_QUEUE",
        submitted_at_s=now_s,
        granted_at_s=None,
        finished_at_s=None,
        requeues=0,
        output=None,
        error=None,
        stream=(),
        stream_read=0,
    )
    return _noted(waiting, "retried", now_s)


def listed(job: Job, now_s: float, *, named: bool) -> Job:
    """Return the job with what its worker's ping says of it; the same one if that is no news."""
    if named == (job.unlisted_since_s is None):
        return job
    return replace(job, unlisted_since_s=None if named else now_s)


def stop_sent(job: Job, pod: str, now_s: float) -> Job:
    """Return the job with the note that its worker was told to stop it."""
    return _noted(job, "stop_sent", now_s, pod)


def deleted(job: Job, kind: EventKind, now_s: float) -> Job:
    """Return what is left of a job that clients can no longer ask for: its history."""
    bare = replace(job, gone_at_s=now_s, output=None, error=None, stream=(), stream_read=0)
    return _noted(bare, kind, now_s)
