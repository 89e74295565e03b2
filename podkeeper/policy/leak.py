"""Does a program keep more memory after each job, and when will that be too much?

Covers: the detector, which says that there is a leak, and the projection, which says that a restart
between two jobs is due. Both take any memory that is read when a job is over: RAM (RssAnon) or VRAM
(allocated), best after caches were dropped.
Leaves out: how readings become floors (`policy.floors`), growth in time (`policy.forecast`).

What a WebUI holds leaps with the checkpoint, is high while caches last, rises while it warms up,
and allocators keep some of what a large job took. So only floors of the same checkpoint are
compared, and growth must be sure, large, still going on, and seen at several ends of blocks in a
row. A slow leak is lost in that noise; the same is asked of a second track with longer blocks.
`make bench-leak` says what this is worth.

A job costs 10 µs; the end of a block 0.1 ms, with many checkpoints in use 0.5 ms. A track remembers
at most one floor for each job of its newest blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from podkeeper.policy.floors import (
    Floor,
    Floors,
    above_level,
    highest,
    lowered,
    span,
    strata,
)
from podkeeper.policy.trend import Trend, lasts, theil_sen


@dataclass(frozen=True)
class Rules:
    """From when on growth is a leak."""

    #: Jobs after a start that do not count: everything warms up.
    skip_jobs: int
    #: Jobs of a block.
    block_jobs: int
    #: How many times longer the blocks of the slow track are.
    slow_factor: int
    #: Newest blocks that are remembered.
    blocks: int
    #: Blocks before anything is said.
    least_blocks: int
    #: A leak grows more than this with each job.
    slope_bytes: int
    #: A leak has surely grown more than this within the blocks remembered.
    growth_bytes: int
    #: Ends of blocks in a row at which all of it must hold.
    evaluations: int
    #: A restart is due when a budget will surely be passed within so many jobs.
    recycle_jobs: int
    #: How sure growth must be, as a quantile of the standard normal distribution.
    sen_z: float


@dataclass(frozen=True)
class Track:
    """What is remembered with blocks of one length."""

    floors: Floors = ()
    #: Ends of blocks in a row at which it was a leak.
    in_a_row: int = 0
    #: Bytes by blocks, at the end of the newest block that is over.
    trend: Trend | None = None


@dataclass(frozen=True)
class History:
    """What is remembered of one life of a program; another life begins with an empty one."""

    jobs: int = 0
    quick: Track = Track()
    slow: Track = Track()


@dataclass(frozen=True)
class Finding:
    """Memory grows from job to job."""

    #: The most likely growth with each job.
    bytes_per_job: int
    #: What it surely is at least.
    least_bytes_per_job: int
    #: Over how many of the newest jobs that was seen.
    jobs: int
    #: What is held now, or will be once the largest checkpoint of these jobs is loaded again.
    held_bytes: int
    #: Jobs until the budget is passed at the most likely growth; None where no budget was given.
    jobs_left: int | None


def _tracks(history: History, rules: Rules) -> tuple[tuple[Track, int], tuple[Track, int]]:
    """Return the tracks, each with the jobs of its blocks."""
    slow_jobs = rules.block_jobs * rules.slow_factor
    return (history.quick, rules.block_jobs), (history.slow, slow_jobs)


def _still_grows(track: Track, slope: float, line: float, rules: Rules) -> bool:
    """Return whether the second half of the blocks grows by more than the line, too."""
    middle = (track.floors[0].block + track.floors[-1].block + 1) / 2
    later = [point for point in above_level(track.floors, slope) if point[0] >= middle]
    trend = theil_sen([later], rules.sen_z)
    return trend is not None and trend.slope > line


def _leaks(track: Track, scale: int, rules: Rules) -> bool:
    trend, blocks = track.trend, span(track.floors)
    if trend is None or trend.least is None or blocks < rules.least_blocks:
        return False
    line = float(rules.slope_bytes * scale)
    grows = trend.slope > line and trend.least * blocks > rules.growth_bytes
    return grows and _still_grows(track, trend.slope, line, rules)


def _end_of_block(track: Track, scale: int, rules: Rules) -> Track:
    track = replace(track, trend=theil_sen(strata(track.floors).values(), rules.sen_z))
    return replace(track, in_a_row=track.in_a_row + 1 if _leaks(track, scale, rules) else 0)


def _after(track: Track, number: int, new: Floor | None, scale: int, rules: Rules) -> Track:
    """Return a track after the job of that number, of which the first is 0."""
    if new is not None:
        track = replace(track, floors=lowered(track.floors, new, rules.blocks))
    over = (number + 1) % scale == 0
    # A block of unknown readings says nothing, neither for nor against.
    if over and track.floors and track.floors[-1].block == number // scale:
        return _end_of_block(track, scale, rules)
    return track


def after_job(history: History, checkpoint: str, held_bytes: int | None, rules: Rules) -> History:
    """Return the history after one more job.

    Args:
        history: What is remembered of this life of the program.
        checkpoint: What was loaded; its level is no growth.
        held_bytes: What is held after the job; None, where unknown, only counts the job.
        rules: How much is remembered, and what is a leak.
    """
    jobs, number = history.jobs + 1, history.jobs - rules.skip_jobs
    if number < 0:
        return replace(history, jobs=jobs)

    def after(track: Track, scale: int) -> Track:
        new = None if held_bytes is None else Floor(number // scale, checkpoint, held_bytes)
        return _after(track, number, new, scale, rules)

    quick, slow = (after(track, scale) for track, scale in _tracks(history, rules))
    return History(jobs, quick, slow)


def _finding(track: Track, scale: int, budget_bytes: int | None) -> Finding | None:
    """Return what a track says, if it surely grows at all."""
    trend = track.trend
    if trend is None or trend.least is None or trend.least <= 0:
        return None
    held_bytes = int(highest(track.floors, trend.slope))
    left = None if budget_bytes is None else lasts(budget_bytes - held_bytes, trend.slope / scale)
    return Finding(
        bytes_per_job=int(trend.slope / scale),
        least_bytes_per_job=int(trend.least / scale),
        jobs=span(track.floors) * scale,
        held_bytes=held_bytes,
        jobs_left=None if left is None else int(left),
    )


def judge(history: History, rules: Rules, budget_bytes: int | None = None) -> Finding | None:
    """Return the leak, or None where there is none or none is sure.

    Args:
        history: What is remembered of this life of the program.
        rules: What is a leak.
        budget_bytes: What may be held after a job, for the finding to say how many are left.
    """
    for track, scale in _tracks(history, rules):
        if track.in_a_row >= rules.evaluations:
            return _finding(track, scale, budget_bytes)
    return None


def project(history: History, rules: Rules, budget_bytes: int) -> Finding | None:
    """Return the growth that surely passes the budget within the jobs of the rules, or None.

    It asks less than the detector: a restart between two jobs is cheap, running out of memory is
    not. But nothing is foretold for more than half as long as it has been seen.
    """
    for track, scale in _tracks(history, rules):
        found = _finding(track, scale, budget_bytes)
        if found is None or span(track.floors) < rules.least_blocks:
            continue
        jobs = min(rules.recycle_jobs, found.jobs // 2)
        if found.held_bytes + jobs * found.least_bytes_per_job > budget_bytes:
            return found
    return None
