"""What does time bring: expiry, timeouts, silent workers, deletion?

Covers: all that is due at one instant. Pure but for the book it changes; time comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from podkeeper.sim.platform import lifecycle

if TYPE_CHECKING:
    from podkeeper.sim.platform.book import Book
    from podkeeper.sim.platform.job import Job
    from podkeeper.sim.platform.worker import Worker


def tick(book: Book, now_s: float) -> None:
    """Do to every job and worker what is due by now."""
    for job in [each for each in book.jobs.values() if not each.gone]:
        _job(book, job, now_s)
    for each in list(book.workers.values()):
        _worker(book, each, now_s)
    _trim(book)


def _kept_s(book: Book, job: Job) -> float:
    return book.settings.sync_result_keep_s if job.terms.sync else book.settings.result_keep_s


def _job(book: Book, job: Job, now_s: float) -> None:
    if job.finished_at_s is not None:
        if now_s >= job.finished_at_s + _kept_s(book, job):
            book.put(lifecycle.deleted(job, "forgotten", now_s))
    elif now_s >= job.submitted_at_s + job.terms.ttl_s:
        gone = book.put(lifecycle.deleted(job, "expired", now_s))
        _stop_holder(book, job, gone, now_s)
    elif job.granted_at_s is not None:
        _running(book, job, job.granted_at_s, now_s)


def _running(book: Book, job: Job, granted_at_s: float, now_s: float) -> None:
    forget_s, unlisted_s = book.settings.forget_s, job.unlisted_since_s
    if now_s >= granted_at_s + job.terms.execution_timeout_s:
        ended = book.put(lifecycle.timed_out(job, now_s))
        _stop_holder(book, job, ended, now_s)
    elif forget_s and unlisted_s is not None and now_s >= unlisted_s + forget_s:
        why = f"worker {job.pod} no longer names the job"
        book.put(lifecycle.taken_back(job, why, now_s, book.settings))


def _stop_holder(book: Book, before: Job, after: Job, now_s: float) -> None:
    if before.running and before.pod is not None:
        book.stop(after, before.pod, now_s)


def _worker(book: Book, each: Worker, now_s: float) -> None:
    if each.lost_at_s is not None:
        if now_s >= each.lost_at_s + book.settings.result_keep_s:
            book.drop(pod=each.pod)
    elif each.silence_s(now_s) >= book.settings.ping_loss_s:
        book.put_worker(replace(each, lost_at_s=now_s))
        why = f"worker {each.pod} was silent for {book.settings.ping_loss_s:g}s"
        for job in book.held_by(each.pod):
            book.put(lifecycle.taken_back(job, why, now_s, book.settings))


def _trim(book: Book) -> None:
    gone = sorted((job for job in book.jobs.values() if job.gone), key=lambda job: job.number)
    for job in gone[: -book.settings.history_jobs]:
        book.drop(job_id=job.id)
