"""What have jobs shown by having had room, or by never getting any?

A job that fitted proves that no smaller one needs more, and one that was given up that no larger
one needs less, whatever is believed of the constants. So one unlucky job cannot have all of its
kind refused for good, since what is refused teaches nothing; and a kind of job of which little is
known is not tried again and again in vain.

Covers: keeping the telling ones of both, a bounded number of each.
Leaves out: what follows from it (`policy.batch_plan`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from podkeeper.policy.vram_cost import Peak

#: Weights and parts of one peak, in bytes by the table's constants.
Needs = tuple[float, ...]


@dataclass(frozen=True)
class Evidence:
    """What was seen so far, newest last."""

    #: Peaks that had room, of which none covers another.
    fitted: tuple[Needs, ...] = ()
    #: Highest peaks of jobs for which nothing has made room, of which none covers another.
    hopeless: tuple[Needs, ...] = ()


def is_sound(known: Evidence, length: int) -> bool:
    """Return whether all entries of evidence that was read from somewhere have their length."""
    return all(len(needs) == length for needs in (*known.fitted, *known.hopeless))


def _needs(peak: Peak) -> Needs:
    return peak.weights_bytes, *peak.parts_bytes


def _covers(larger: Needs, needs: Needs) -> bool:
    return all(a >= b for a, b in zip(larger, needs, strict=True))


def proven(known: Evidence, peaks: Iterable[Peak]) -> bool:
    """Return whether jobs have fitted that needed at least as much."""
    return all(any(_covers(larger, _needs(peak)) for larger in known.fitted) for peak in peaks)


def disproven(known: Evidence, peaks: Iterable[Peak]) -> bool:
    """Return whether a job has been given up that needed at most as much."""
    return any(_covers(_needs(peak), less) for peak in peaks for less in known.hopeless)


def fitted(known: Evidence, peaks: Iterable[Peak], most: int) -> Evidence:
    """Return what is known once a job has had room; `most` is how much of it is kept."""
    largest, hopeless = known.fitted, known.hopeless
    for needs in map(_needs, peaks):
        hopeless = tuple(each for each in hopeless if not _covers(needs, each))
        if not any(_covers(each, needs) for each in largest):
            kept = (each for each in largest if not _covers(needs, each))
            largest = (*kept, needs)[-most:]
    return Evidence(largest, hopeless)


def given_up(known: Evidence, peak: Peak, most: int) -> Evidence:
    """Return what is known once nothing has made room for a job with such a highest peak."""
    needs = _needs(peak)
    if any(_covers(needs, each) for each in known.hopeless):
        return known
    kept = (each for each in known.hopeless if not _covers(each, needs))
    return Evidence(known.fitted, (*kept, needs)[-most:])
