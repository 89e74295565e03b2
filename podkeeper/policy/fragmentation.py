"""Does free GPU memory of a WebUI lie in pieces?

Covers: from the allocator's count of retries after each job (`cuda.events.retries` of
`/sdapi/v1/memory`, `num_alloc_retries` of torch) to whether it rises from job to job. A retry is an
allocation that failed until the cache was given back.
Leaves out: asking for it, and what else is wrong with GPU memory (`policy.vram`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Answer, Finding


@dataclass(frozen=True)
class Rules:
    """How many retries are too many."""

    #: Jobs that are compared, the older half with the newer.
    jobs: int
    #: Retries in each job, on average of the newer half.
    retries_per_job: float


@dataclass(frozen=True)
class Counted:
    """What one WebUI says after a job."""

    pid: int
    #: On the monotonic clock.
    at_s: float
    #: All retries of its life; None where it does not say.
    retries: int | None
    #: Where it runs; None where unknown.
    gpu: int | None = None


@dataclass(frozen=True)
class Trend:
    """What is remembered of one WebUI."""

    pid: int = 0
    retries: int | None = None
    #: Retries in each of the last jobs, oldest first.
    per_job: tuple[int, ...] = ()
    told: bool = False


def after_job(before: Trend, counted: Counted, rules: Rules) -> tuple[Trend, Finding | None]:
    """Return what to remember after a job, and whether memory is found to lie in pieces."""
    if counted.retries is None:
        return before, None
    same = before.pid == counted.pid and before.retries is not None
    if not same or counted.retries < (before.retries or 0):
        return Trend(counted.pid, counted.retries), None
    newest = counted.retries - (before.retries or 0)
    per_job = (*before.per_job, newest)[-rules.jobs :]
    after = replace(before, retries=counted.retries, per_job=per_job)
    rising, calm = _compared(per_job, rules)
    if not rising:
        return replace(after, told=before.told and not calm), None
    finding = None if before.told else _finding(counted, per_job)
    return replace(after, told=True), finding


def _compared(per_job: tuple[int, ...], rules: Rules) -> tuple[bool, bool]:
    """Return whether retries are many and rising, and whether there are none any more."""
    half = rules.jobs // 2
    older, newer = per_job[:-half], per_job[-half:]
    if len(per_job) < rules.jobs:
        return False, False
    older_mean, newer_mean = sum(older) / len(older), sum(newer) / len(newer)
    return newer_mean >= rules.retries_per_job and newer_mean > older_mean, not any(newer)


def _finding(counted: Counted, per_job: tuple[int, ...]) -> Finding:
    return Finding(
        gpu=counted.gpu,
        cause=Cause.VRAM_FRAGMENTED,
        answer=Answer.NOTE,
        sentence=f"has its memory in pieces: {per_job[-1]} retries to allocate in the last job",
        at_s=counted.at_s,
        evidence={
            "retries_per_job": ", ".join(map(str, per_job)),
            "retries": counted.retries,
            "webui_pid": counted.pid,
        },
    )
