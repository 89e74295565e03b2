"""In which form does a job fit on the card, if in any?

In this order: as it was asked, in smaller batches, one image at a time with the two halves of a
step apart. All of these make the same pictures. What fits in none of them for sure is tried where
that is likely enough to work, degraded where that is allowed, and else refused at once.

Covers: from an estimate and a limit to a plan. Without a limit a job runs as it was asked.
Leaves out: what is done when it runs out of memory all the same (`policy.oom_ladder`), which sizes
would fit instead (`policy.sizes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from podkeeper.policy.vram_cost import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.policy.estimate import Estimator
    from podkeeper.policy.vram_cost import Workload

_PIXEL_STEP = 8


class Verdict(StrEnum):
    """What is to become of a job."""

    FITS = "fits"
    #: It may fit; nothing is known to be surer and just as good.
    TRY = "try"
    REFUSE = "refuse"


@dataclass(frozen=True)
class Allowed:
    """What may be done to a job so that it fits."""

    #: Whether it may run in smaller batches and be the same job.
    split: bool = True
    #: Whether its pictures may be worse than asked.
    degrade: bool = False


@dataclass(frozen=True)
class Room:
    """What a card leaves a job; in bytes."""

    #: What is planned with: some is left free for what nobody foresaw.
    limit_bytes: float
    #: All there is: what a job that is tried in doubt may come to.
    most_bytes: float


@dataclass(frozen=True)
class Plan:
    """How a job is to run."""

    verdict: Verdict
    #: The job as it is to run, its batch being the images at once.
    work: Workload
    #: What it is planned with; None where nothing is known of the card.
    need_bytes: float | None
    limit_bytes: float | None


def smaller(work: Workload, ratio: float) -> Workload:
    """Return a job with a smaller hires pass: its sides times `ratio`, never below the first's."""
    if work.hires is None:
        return work
    wide, high = work.hires
    size = max(work.width, _whole(wide * ratio)), max(work.height, _whole(high * ratio))
    return replace(work, hires=size)


def _whole(pixels: float) -> int:
    return int(pixels) // _PIXEL_STEP * _PIXEL_STEP


def degraded(work: Workload, ratio: float) -> Iterator[Workload]:
    """Yield worse and worse forms of a job."""
    tiny = replace(work, decoder=Decoder.TINY)
    yield tiny
    if work.hires is not None and smaller(tiny, ratio) != tiny:
        yield smaller(tiny, ratio)


def largest_batch(estimator: Estimator, work: Workload, limit_bytes: float) -> int:
    """Return how many of a job's images fit at once, up to the batch asked for; 0: none."""
    batches = range(work.batch, 0, -1)
    fitting = (b for b in batches if estimator.fits(replace(work, batch=b), limit_bytes))
    return next(fitting, 0)


def _same_pictures(work: Workload, *, split: bool) -> Iterator[Workload]:
    """Yield the forms that make the same pictures, the quickest first."""
    batches = range(work.batch, 0, -1) if split else (work.batch,)
    yield from (replace(work, batch=batch) for batch in batches)
    yield replace(work, batch=batches[-1], together=False)


def plan(
    estimator: Estimator,
    work: Workload,
    room: Room | None,
    allowed: Allowed,
    smaller_ratio: float,
) -> Plan:
    """Return how a job is to run on a card that leaves it room; None: nothing is known of it."""
    if room is None:
        return Plan(Verdict.FITS, work, None, None)
    forms = list(_same_pictures(work, split=allowed.split))
    for form in forms:
        if estimator.fits(form, room.limit_bytes):
            return _planned(Verdict.FITS, estimator, form, room)
    return _in_doubt(estimator, forms[-2:], room, allowed, smaller_ratio)


def _in_doubt(
    estimator: Estimator,
    least: list[Workload],
    room: Room,
    allowed: Allowed,
    smaller_ratio: float,
) -> Plan:
    """Return the plan of a job that fits for sure in none of the forms it was asked in."""
    rules = estimator.rules
    # Halves apart cost time: only where they make a difference.
    form = max(least, key=lambda each: estimator.chance(each, room.most_bytes))
    likely = estimator.chance(form, room.most_bytes)
    if allowed.degrade and likely < rules.degrade_chance:
        for worse in degraded(form, smaller_ratio):
            if estimator.fits(worse, room.limit_bytes):
                return _planned(Verdict.FITS, estimator, worse, room)
    verdict = Verdict.TRY if _is_worth_it(estimator, form, likely) else Verdict.REFUSE
    return _planned(verdict, estimator, form, room)


def _is_worth_it(estimator: Estimator, form: Workload, likely: float) -> bool:
    """Return whether a job is tried that does not fit for sure."""
    if likely >= estimator.rules.degrade_chance or estimator.proven(form):
        return True
    return likely >= estimator.rules.try_chance and not estimator.disproven(form)


def _planned(verdict: Verdict, estimator: Estimator, form: Workload, room: Room) -> Plan:
    return Plan(verdict, form, estimator.guard_bytes(form), room.limit_bytes)
