"""Whatever clients, workers and time do, the book of jobs stays sound."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from podkeeper.settings.load import Source, load
from podkeeper.sim.platform import due
from podkeeper.sim.platform.book import Book
from podkeeper.sim.platform.job import TERMINAL, Result, Terms
from podkeeper.sim.platform.lifecycle import StepError

SETTINGS = msgspec.structs.replace(
    load(Source(environ={})).settings.platform,
    ping_loss_s=30.0,
    result_keep_s=100.0,
    sync_result_keep_s=20.0,
    forget_s=10.0,
    max_requeues=2,
    history_jobs=5,
)
PODS = st.sampled_from(["a", "b"])
#: What ends a job for its client; a retry opens it again.
ENDS = {"done", "cancelled", "timed_out", "gave_up"}


class Platform(RuleBasedStateMachine):
    """Drives a book as clients, two workers and a clock would."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book(SETTINGS)
        self.now_s = 1000.0
        self.made = 0
        self.kept: dict[str, Any] = {}

    @rule(target=jobs, sync=st.booleans(), low=st.booleans(), ttl_s=st.sampled_from([15.0, 500.0]))
    def submit(self, *, sync: bool, low: bool, ttl_s: float) -> str:
        """A client submits."""
        self.made += 1
        terms = Terms(sync=sync, ttl_s=ttl_s, execution_timeout_s=40.0, low_priority=low)
        return self.book.submit(f"job-{self.made}", terms, self.now_s).id

    @rule(pod=PODS)
    def take(self, pod: str) -> None:
        """A worker takes the first of the queue, and only what waited."""
        waiting = [job for job in self.book.jobs.values() if job.queued]
        self.book.heard(pod, self.now_s, polled=True)
        job = self.book.grant(pod, self.now_s)
        assert (job is None) == (not waiting)
        if job is not None:
            assert job.queue_key == min(each.queue_key for each in waiting)
            assert (job.status, job.pod) == ("IN_PROGRESS", pod)
            assert job.id not in self.book.workers[pod].stops

    @rule(job_id=jobs, pod=PODS)
    def take_again(self, job_id: str, pod: str) -> None:
        """A fault hands out a job twice."""
        before = self.book.jobs.get(job_id)
        after = self.book.grant_again(job_id, pod, self.now_s)
        assert (before and before.status) == (after and after.status)

    @rule(job_id=jobs, pod=PODS, error=st.sampled_from([None, "no", {"no": 1}]))
    def done(self, job_id: str, pod: str, error: Any) -> None:
        """A worker posts a result, its own or not, in time or not."""
        before = self.book.jobs.get(job_id)
        after = self.book.done(pod, job_id, Result(output=1, error=error), self.now_s)
        if before is not None and before.running and before.pod not in {None, pod}:
            assert job_id in self.book.workers[before.pod or ""].stops
        if before is not None and after is not None and not before.live:
            assert after.duplicates == before.duplicates + 1
            assert (after.status, after.output) == (before.status, before.output)

    @rule(job_id=jobs, pod=PODS)
    def progress(self, job_id: str, pod: str) -> None:
        """A worker posts progress, which never overwrites a result."""
        before = self.book.jobs.get(job_id)
        after = self.book.progress(pod, job_id, {"progress": 0.5}, self.now_s)
        if before is not None and after is not None and before.terminal:
            assert after.output == before.output

    @rule(pod=PODS, named=st.sets(jobs, max_size=3))
    def ping(self, pod: str, named: set[str]) -> None:
        """A worker's heartbeat names some jobs."""
        self.book.ping(pod, tuple(named), self.now_s)

    @rule(pod=PODS)
    def stops(self, pod: str) -> None:
        """A worker asks what to stop; it is told once."""
        told = self.book.stops(pod)
        assert len(told) == len(set(told))
        assert not self.book.stops(pod)

    @rule(job_id=jobs)
    def cancel(self, job_id: str) -> None:
        """A client cancels."""
        if self.book.ask(job_id) is not None:
            assert self.book.cancel(job_id, self.now_s).terminal

    @rule(job_id=jobs)
    def retry(self, job_id: str) -> None:
        """A client retries, which only works for what failed or timed out."""
        job = self.book.ask(job_id)
        if job is not None and job.status in {"FAILED", "TIMED_OUT"}:
            assert self.book.retry(job_id, self.now_s).queued
        elif job is not None:
            with pytest.raises(StepError, match="cannot retry"):
                self.book.retry(job_id, self.now_s)

    @rule()
    def purge(self) -> None:
        """A client empties the queue."""
        self.book.purge(self.now_s)
        assert not self.book.queue

    @rule(step_s=st.sampled_from([0.0, 1.0, 12.0, 35.0, 120.0]))
    def time_passes(self, step_s: float) -> None:
        """Time passes, and nothing that was due is left."""
        self.now_s += step_s
        due.tick(self.book, self.now_s)
        for job in self.book.jobs.values():
            if job.live:
                assert self.now_s < job.submitted_at_s + job.terms.ttl_s
            if job.running:
                assert job.granted_at_s is not None
                assert self.now_s < job.granted_at_s + job.terms.execution_timeout_s
                assert self.book.workers[job.pod or ""].lost_at_s is None

    @rule()
    def killed_and_back(self) -> None:
        """A platform that read its kept state is the one that kept it."""
        self._keep()
        copies = [msgspec.json.decode(data, type=type(value)) for value, data in self._kept()]
        jobs = [each for each in copies if hasattr(each, "terms")]
        workers = [each for each in copies if not hasattr(each, "terms")]
        again = Book(SETTINGS, jobs, workers, self.book.counts)
        assert (again.jobs, again.workers, again.queue) == (
            self.book.jobs,
            self.book.workers,
            self.book.queue,
        )
        self.book = again

    def _keep(self) -> None:
        for changed in self.book.changed():
            for name, value in changed.items():
                self.kept[name] = value
        self.book.saved()

    def _kept(self) -> list[tuple[Any, bytes]]:
        return [(each, msgspec.json.encode(each)) for each in self.kept.values() if each]

    @invariant()
    def never_queued_and_granted(self) -> None:
        """No job is both waiting and with a worker, and the queue holds what waits."""
        assert self.book.queue == {job.id for job in self.book.jobs.values() if job.queued}
        for job in self.book.jobs.values():
            assert not (job.queued and job.running)
            assert (job.granted_at_s is None) or not job.queued

    @invariant()
    def one_end_for_each_life(self) -> None:
        """A job ends once, and once more for each retry."""
        for job in self.book.jobs.values():
            open_ = True
            for event in job.events:
                if event.kind == "retried":
                    assert not open_
                    open_ = True
                elif event.kind in ENDS:
                    assert open_, job.events
                    open_ = False
            assert open_ == (job.status not in TERMINAL)

    @invariant()
    def never_requeued_too_often(self) -> None:
        """Lost workers requeue a job only as often as the settings allow."""
        assert all(job.requeues <= SETTINGS.max_requeues for job in self.book.jobs.values())

    @invariant()
    def history_is_bounded(self) -> None:
        """Not many more deleted jobs are remembered than asked for: time drops the rest."""
        due.tick(self.book, self.now_s)
        gone = [job for job in self.book.jobs.values() if job.gone]
        assert len(gone) <= SETTINGS.history_jobs


TestPlatform = Platform.TestCase
TestPlatform.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)
