"""May a program that died be started again, and when?

Covers: the first restart at once, growing waits after it, forgetting after a healthy spell, and a
budget after which the keeper gives up.
Leaves out: why it died (`policy.cause`), starting it (`podkeeper.actuators`).
"""

from __future__ import annotations

from dataclasses import dataclass

from podkeeper.policy.backoff import Backoff, wait_s


@dataclass(frozen=True)
class RestartPolicy:
    """How restarts are spaced and how many there may be."""

    backoff_first_s: float
    backoff_factor: float
    backoff_max_s: float
    jitter_ratio: float
    reset_after_s: float
    budget: int
    budget_window_s: float


@dataclass(frozen=True)
class History:
    """What is remembered of a program's restarts. Instants are monotonic."""

    #: Restarts within the budget's window, oldest first.
    restarted_at_s: tuple[float, ...] = ()
    #: Restarts since the program last ran for the healthy spell.
    in_a_row: int = 0


@dataclass(frozen=True)
class Restart:
    """Start it again at an instant; now, where that has passed."""

    at_s: float


@dataclass(frozen=True)
class GiveUp:
    """Leave it down: its budget is spent."""

    spent: int
    window_s: float


def backoff_s(policy: RestartPolicy, in_a_row: int, luck: float) -> float:
    """Return the wait before a restart, given how many came before it in a row.

    Args:
        policy: The waits and their growth.
        in_a_row: Restarts since the last healthy spell; none means no wait.
        luck: A random number from 0 to 1 that takes up to the jitter's share off the wait.
    """
    waits = Backoff(
        policy.backoff_first_s, policy.backoff_factor, policy.backoff_max_s, policy.jitter_ratio
    )
    return wait_s(waits, in_a_row, luck)


def _recent(policy: RestartPolicy, history: History, now_s: float) -> tuple[float, ...]:
    return tuple(at_s for at_s in history.restarted_at_s if now_s - at_s < policy.budget_window_s)


def judge(
    policy: RestartPolicy, history: History, died_at_s: float, luck: float
) -> Restart | GiveUp:
    """Return whether and when a program that died at an instant is started again."""
    spent = len(_recent(policy, history, died_at_s))
    if spent >= policy.budget:
        return GiveUp(spent, policy.budget_window_s)
    return Restart(died_at_s + backoff_s(policy, history.in_a_row, luck))


def after_restart(policy: RestartPolicy, history: History, now_s: float) -> History:
    """Return the history once a restart was asked for.

    It counts whether or not it succeeds: the attempt cost time and tells as much.
    """
    return History((*_recent(policy, history, now_s), now_s), history.in_a_row + 1)


def after_life(policy: RestartPolicy, history: History, lived_s: float) -> History:
    """Return the history once a life of the program has lasted that long."""
    if lived_s < policy.reset_after_s:
        return history
    return History(history.restarted_at_s, 0)
