"""Does a program that lives still work?

Covers: three ways to be hung. Its process is stopped; a job it has in hand stands still, together
with all else that is known; it is idle, does nothing and does not answer. For the handler: it has
jobs in hand and has left no sign of life.
Leaves out: reading the signs (`loops.hanging`), what is done about it (`policy.duty`).
Time passes here from one snapshot to the next: what was not watched counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.policy import liveness, stall

if TYPE_CHECKING:
    from podkeeper.policy.liveness import Patience
    from podkeeper.policy.stall import Lines, Signs, Still

Evidence = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Rules:
    """When a program counts as hung."""

    #: For a job in hand; None where the program gets no jobs.
    lines: Lines | None
    #: None where nobody asks whether it lives.
    patience: Patience | None
    #: How long its main process may be stopped.
    stopped_s: float
    #: How long it may leave no sign of life while it has jobs in hand; None where it leaves none.
    silence_s: float | None
    #: Longest pause between two snapshots that still is watching.
    gap_s: float


@dataclass(frozen=True)
class Job:
    """The job that a WebUI has in hand."""

    id: str
    phase: str
    progress_ratio: float | None


@dataclass(frozen=True)
class Seen:
    """What one snapshot says of a program. Unknown is None."""

    pid: int
    signs: Signs
    #: Whether its main process is stopped, by SIGSTOP or a terminal.
    stopped: bool | None = None
    job: Job | None = None
    #: Liveness probes that failed in a row, and what the last one saw.
    failures: int | None = None
    detail: str = ""
    #: Whether this process has been ready.
    was_ready: bool = False
    #: Its last sign of life while it has jobs in hand; None where it has none.
    sign_of_life_s: float | None = None


@dataclass(frozen=True)
class Watch:
    """What is remembered of a program between two snapshots. Instants are monotonic."""

    pid: int = 0
    at_s: float = 0.0
    stopped_since_s: float | None = None
    #: Since when the job in hand has stood still.
    stall: Still | None = None
    #: Since when it has been idle and has not answered.
    quiet: Still | None = None
    sign_of_life_s: float | None = None
    #: Since when that sign of life has been the last.
    silent_since_s: float | None = None


@dataclass(frozen=True)
class Hung:
    """A program that is hung, and how that is known."""

    reason: str
    #: Whether it could not even take a signal that asks it to end.
    stopped: bool
    evidence: Evidence


def _since(before_s: float | None, at_s: float, *, holds: bool) -> float | None:
    """Return since when something has held without a break; None where it does not."""
    if not holds:
        return None
    return at_s if before_s is None else before_s


def _watched(before: Watch, seen: Seen, rules: Rules) -> Watch:
    """Return what is remembered after one more snapshot."""
    at_s = seen.signs.at_s
    if before.pid != seen.pid or not 0 <= at_s - before.at_s <= rules.gap_s:
        before = Watch(seen.pid)
    stalls = quiet = None
    if rules.lines is not None and seen.job is not None:
        stalls = stall.look(before.stall, seen.signs, rules.lines)
    elif rules.lines is not None and rules.patience is not None:
        quiet = liveness.look(before.quiet, seen.failures, seen.signs, rules.lines, rules.patience)
    same = before.sign_of_life_s == seen.sign_of_life_s
    return Watch(
        pid=seen.pid,
        at_s=at_s,
        stopped_since_s=_since(before.stopped_since_s, at_s, holds=seen.stopped is True),
        stall=stalls,
        quiet=quiet,
        sign_of_life_s=seen.sign_of_life_s,
        silent_since_s=_since(
            before.silent_since_s if same else None, at_s, holds=seen.sign_of_life_s is not None
        ),
    )


def _lasted(since_s: float | None, at_s: float, limit_s: float | None) -> bool:
    return since_s is not None and limit_s is not None and at_s - since_s >= limit_s


def _reason(watch: Watch, seen: Seen, rules: Rules) -> str:
    """Return in which way the program is hung; empty where it is not, or nobody can know."""
    at_s, job = watch.at_s, seen.job
    if _lasted(watch.stopped_since_s, at_s, rules.stopped_s):
        return f"has been stopped (state T) for {rules.stopped_s:g} s"
    if job is not None and rules.lines and stall.stands(watch.stall, at_s, rules.lines.window_s):
        far = "" if job.progress_ratio is None else f" at {job.progress_ratio:.0%}"
        window_s = rules.lines.window_s
        return f"hangs: job {job.id} ({job.phase}{far}) and all else stood still for {window_s:g} s"
    if rules.patience and liveness.is_lost(
        watch.quiet, seen.failures, at_s, rules.patience, was_ready=seen.was_ready
    ):
        return f"hangs: idle, and {seen.failures} liveness probes failed ({seen.detail})"
    if _lasted(watch.silent_since_s, at_s, rules.silence_s):
        return f"hangs: has jobs in hand and has given no sign of life for {rules.silence_s:g} s"
    return ""


def _evidence(watch: Watch, seen: Seen) -> Evidence:
    still, signs = watch.stall or watch.quiet, seen.signs
    moved_s = None if signs.moved_at_s is None else round(signs.at_s - signs.moved_at_s, 3)
    known: Evidence = {
        "stopped": seen.stopped,
        "job": seen.job.id if seen.job else None,
        "job_phase": seen.job.phase if seen.job else None,
        "job_progress_ratio": seen.job.progress_ratio if seen.job else None,
        "job_stood_still_s": moved_s,
        "gpu_ratio": signs.gpu_ratio,
        "liveness_failures": seen.failures,
        "liveness_detail": seen.detail or None,
    }
    if still is not None:
        io = None if None in (signs.io_bytes, still.io_bytes) else signs.io_bytes - still.io_bytes  # type: ignore[operator]
        known["stood_still_s"] = round(signs.at_s - still.since_s, 3)
        known["cpu_s_meanwhile"] = round((signs.cpu_s or 0.0) - still.cpu_s, 3)
        known["io_bytes_meanwhile"] = io
    return known


def judge(before: Watch, seen: Seen, rules: Rules) -> tuple[Watch, Hung | None]:
    """Return what to remember, and how the program is hung if it is."""
    watch = _watched(before, seen, rules)
    reason = _reason(watch, seen, rules)
    if not reason:
        return watch, None
    # Not again before a further window: what was found due is being done meanwhile.
    return replace(Watch(seen.pid), at_s=watch.at_s), Hung(
        reason, stopped=seen.stopped is True, evidence=_evidence(watch, seen)
    )
