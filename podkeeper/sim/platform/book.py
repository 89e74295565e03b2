"""Which jobs and workers are there, and what does a request make of them?

Covers: the whole state in memory, and every request as a change of it. No clock, no I/O: time
comes in, and what changed is handed out (`changed`, `saved`).
Leaves out: what time brings (`due`), how one job changes (`lifecycle`), keeping it (`store`) and
waiting for it (`hub`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from podkeeper.sim.platform import lifecycle, worker

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from podkeeper.settings.platform import PlatformSettings
    from podkeeper.sim.platform.job import Job, Result, Terms
    from podkeeper.sim.platform.worker import Worker


class Counts(msgspec.Struct, kw_only=True):
    """How jobs have ended since the state file was made, those long deleted included."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    timed_out: int = 0
    #: Requeued after a lost worker or retried by a client.
    retried: int = 0


class Book:
    """All jobs and workers."""

    def __init__(
        self,
        settings: PlatformSettings,
        jobs: Iterable[Job] = (),
        workers: Iterable[Worker] = (),
        counts: Counts | None = None,
    ) -> None:
        self.settings = settings
        self.jobs = {job.id: job for job in jobs}
        self.workers = {each.pod: each for each in workers}
        self.counts = counts or Counts()
        self.queue = {job.id for job in self.jobs.values() if job.queued}
        self._number = max((job.number for job in self.jobs.values()), default=0)
        self._dirty_jobs: set[str] = set()
        self._dirty_workers: set[str] = set()

    # What changed

    def changed(self) -> tuple[dict[str, Job | None], dict[str, Worker | None]]:
        """Return what is new since `saved`; None for what was dropped."""
        jobs = {each: self.jobs.get(each) for each in self._dirty_jobs}
        return jobs, {each: self.workers.get(each) for each in self._dirty_workers}

    def saved(self) -> None:
        """Take note that everything changed so far is kept."""
        self._dirty_jobs.clear()
        self._dirty_workers.clear()

    def put(self, job: Job) -> Job:
        """Take a job as it is now, and return it."""
        before = self.jobs.get(job.id)
        if job is not before:
            self.jobs[job.id] = job
            self._dirty_jobs.add(job.id)
            (self.queue.add if job.queued else self.queue.discard)(job.id)
            self._count(before, job)
        return job

    def _count(self, before: Job | None, job: Job) -> None:
        if before is None or before.status == job.status:
            return
        if job.status == "IN_QUEUE":
            self.counts.retried += 1
        elif job.terminal:
            name = job.status.lower()
            setattr(self.counts, name, getattr(self.counts, name) + 1)

    def put_worker(self, changed: Worker) -> None:
        """Take a worker as it is now."""
        self.workers[changed.pod] = changed
        self._dirty_workers.add(changed.pod)

    def drop(self, job_id: str | None = None, pod: str | None = None) -> None:
        """Forget a job or a worker altogether."""
        if self.jobs.pop(job_id or "", None):
            self._dirty_jobs.add(job_id or "")
        if self.workers.pop(pod or "", None):
            self._dirty_workers.add(pod or "")

    def worker(self, pod: str, now_s: float) -> Worker:
        """Return a worker, new where it was not known."""
        return self.workers.get(pod) or worker.new(pod, now_s)

    # Workers' requests

    def heard(self, pod: str, now_s: float, *, polled: bool = False) -> Worker:
        """Return the worker after a request of it, known or not."""
        known = self.worker(pod, now_s)
        changed = replace(worker.heard(known, now_s), polled=known.polled or polled)
        self.put_worker(changed)
        return changed

    def next_job(self) -> Job | None:
        """Return the job that is first in the queue."""
        waiting = [self.jobs[each] for each in self.queue]
        return min(waiting, key=lambda job: job.queue_key, default=None)

    def grant(self, pod: str, now_s: float) -> Job | None:
        """Hand the first job of the queue to a worker; None where none waits."""
        first = self.next_job()
        if first is None:
            return None
        known = self.worker(pod, now_s)
        if first.id in known.stops:
            # It was meant for the job's life before, and would end this one.
            stops = tuple(each for each in known.stops if each != first.id)
            self.put_worker(replace(known, stops=stops))
        return self.put(lifecycle.granted(first, pod, now_s))

    def grant_again(self, job_id: str, pod: str, now_s: float) -> Job | None:
        """Hand a job out a second time, whatever became of it."""
        job = self.jobs.get(job_id)
        return None if job is None else self.put(lifecycle.granted_again(job, pod, now_s))

    def ping(
        self, pod: str, named: tuple[str, ...], now_s: float, unhealthy: str | None = None
    ) -> None:
        """Take a worker's heartbeat."""
        known = self.worker(pod, now_s)
        self.put_worker(worker.pinged(known, now_s, named, unhealthy))
        for job in self.held_by(pod):
            self.put(lifecycle.listed(job, now_s, named=job.id in named))

    def progress(self, pod: str, job_id: str, output: Any, now_s: float) -> Job | None:
        """Take a progress message; None for a job that was never known."""
        job = self.jobs.get(job_id)
        return job and self.put(lifecycle.progressed(job, pod, output, now_s))

    def stream(self, pod: str, job_id: str, chunk: Any, now_s: float) -> Job | None:
        """Take a chunk of a stream; None for a job that was never known."""
        job = self.jobs.get(job_id)
        return job and self.put(lifecycle.streamed(job, pod, chunk, now_s))

    def done(self, pod: str, job_id: str, result: Result, now_s: float) -> Job | None:
        """Take a result; None for a job that was never known."""
        job = self.jobs.get(job_id)
        if job is None:
            return None
        ended = self.put(lifecycle.done(job, pod, result, now_s, self.settings))
        if job.running and not ended.running and job.pod is not None and job.pod != pod:
            self.stop(ended, job.pod, now_s)
        if result.stop_pod:
            self.put_worker(replace(self.worker(pod, now_s), stop_pod=True))
        return ended

    def stops(self, pod: str) -> list[str]:
        """Return, once, the jobs that a worker has to stop."""
        known = self.workers.get(pod)
        if known is None or not known.stops:
            return []
        self.put_worker(replace(known, stops=()))
        return list(known.stops)

    def stop(self, job: Job, pod: str, now_s: float) -> None:
        """Remember that a worker has to be told to stop a job."""
        self.put(lifecycle.stop_sent(job, pod, now_s))
        known = self.worker(pod, now_s)
        self.put_worker(worker.told_to_stop(known, job.id))

    def held_by(self, pod: str) -> list[Job]:
        """Return the jobs a worker holds."""
        return [job for job in self.jobs.values() if job.running and job.pod == pod]

    # Clients' requests

    def submit(self, job_id: str, terms: Terms, now_s: float) -> Job:
        """Put a new job into the queue."""
        self._number += 1
        return self.put(lifecycle.submitted(job_id, self._number, terms, now_s))

    def ask(self, job_id: str) -> Job | None:
        """Return a job as clients see it: None where it never was or is gone."""
        job = self.jobs.get(job_id)
        return None if job is None or job.gone else job

    def read_stream(self, job_id: str) -> tuple[Any, ...]:
        """Return the chunks of a job's stream that were not read yet."""
        job, chunks = lifecycle.read(self.jobs[job_id])
        if chunks:
            self.put(job)
        return chunks

    def cancel(self, job_id: str, now_s: float, why: str | None = None) -> Job:
        """End a job that waits or runs; its worker is told."""
        job = self.jobs[job_id]
        ended = self.put(lifecycle.cancelled(job, now_s, why))
        if job.running and job.pod is not None:
            self.stop(ended, job.pod, now_s)
        return self.jobs[job_id]

    def retry(self, job_id: str, now_s: float) -> Job:
        """Put a job that failed or timed out back into the queue.

        Raises:
            StepError: It did neither.
        """
        return self.put(lifecycle.retried(self.jobs[job_id], now_s))

    def purge(self, now_s: float) -> int:
        """Cancel everything that waits; return how many that were."""
        waiting = list(self.queue)
        for job_id in waiting:
            self.cancel(job_id, now_s, "purged")
        return len(waiting)

    def woken(self, now_s: float) -> None:
        """Give every worker a fresh start of its silence: nobody could be heard meanwhile."""
        for each in self.workers.values():
            ping_at_s = None if each.ping_at_s is None else now_s
            self.put_worker(replace(each, contact_at_s=now_s, ping_at_s=ping_at_s))
