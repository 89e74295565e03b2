"""How long is the wait before the next try?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits that grow from one try to the next, in seconds."""

    first_s: float
    factor: float
    max_s: float
    #: Share of a wait that luck takes off, so that many do not return at the same moment.
    jitter_ratio: float


def wait_s(backoff: Backoff, in_a_row: int, luck: float) -> float:
    """Return the wait after so many failures in a row; none means no wait.

    Args:
        backoff: The waits and their growth.
        in_a_row: Failures since the last success.
        luck: A random number from 0 to 1.
    """
    if in_a_row <= 0:
        return 0.0
    try:
        grown_s = backoff.first_s * backoff.factor ** (in_a_row - 1)
    except OverflowError:
        grown_s = backoff.max_s
    return min(grown_s, backoff.max_s) * (1 - backoff.jitter_ratio * luck)
