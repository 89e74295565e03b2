"""What does the platform's answer mean, and when is it asked again?

Covers: the answer to a result that was posted, and the pause between two polls. Pure.
Leaves out: posting and polling (the handler), which job it is about (`policy.journal`).
"""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus

from podkeeper.policy.backoff import Backoff, wait_s

_OK = range(HTTPStatus.OK, HTTPStatus.MULTIPLE_CHOICES)
#: What production answers to a result that is too large, and what other servers do.
_TOO_LARGE = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.GONE)


class Verdict(Enum):
    """What an answer to a result means."""

    ACCEPTED = "accepted"
    #: Nobody knows whether it arrived, or it is to come later.
    LATER = "later"
    #: It will never be taken as it is.
    TOO_LARGE = "too large"
    #: Nobody wants it.
    UNWANTED = "unwanted"


def judge(status: int | None, *, failed: bool) -> Verdict:
    """Return what an answer means.

    Args:
        status: The HTTP status; None where there was no answer.
        failed: Whether the result says that the job failed: it cannot be made smaller.
    """
    if status is None:
        return Verdict.LATER
    if status in _OK:
        return Verdict.ACCEPTED
    if status in _GONE:
        return Verdict.UNWANTED
    if status in _TOO_LARGE:
        return Verdict.UNWANTED if failed else Verdict.TOO_LARGE
    return Verdict.LATER


def pause_s(backoff: Backoff, failures: int, luck: float, asked_s: float | None) -> float:
    """Return the pause after a failure; what the platform itself asked for is respected.

    Args:
        backoff: The waits and their growth.
        failures: Failures in a row.
        luck: A random number from 0 to 1.
        asked_s: What `Retry-After` says, if anything. It is bounded: a wrong header, or a wrong
            clock, must not hold a result back for a day.
    """
    own_s = wait_s(backoff, failures, luck)
    return own_s if asked_s is None else min(max(own_s, asked_s), backoff.max_s)
