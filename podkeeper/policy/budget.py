"""How many restarts has a program left, and how long would it wait for the next?

Leaves out: deciding (`policy.restarts`), how it is shown (`console.budget`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podkeeper.policy.restarts import History, backoff_s

if TYPE_CHECKING:
    from podkeeper.policy.restarts import RestartPolicy


@dataclass(frozen=True)
class Budget:
    """The restart budget of one program at one instant."""

    program: str
    #: Restarts within the window that ends now.
    spent: int
    left: int
    window_s: float
    #: How long it would stay down if it died now, jitter left out.
    next_wait_s: float
    #: Time until the restart that waits now; None where none does.
    due_in_s: float | None
    gave_up: bool


@dataclass(frozen=True)
class Remembered:
    """What the keeper remembers of a program's restarts."""

    history: History = field(default_factory=History)
    restart_at_s: float | None = None
    gave_up: bool = False


def budget(program: str, policy: RestartPolicy, known: Remembered, now_s: float) -> Budget:
    """Return a program's restart budget as of an instant of the monotonic clock."""
    history, due_at_s = known.history, known.restart_at_s
    recent = [at_s for at_s in history.restarted_at_s if now_s - at_s < policy.budget_window_s]
    return Budget(
        program=program,
        spent=len(recent),
        left=max(0, policy.budget - len(recent)),
        window_s=policy.budget_window_s,
        next_wait_s=backoff_s(policy, history.in_a_row, 0.0),
        due_in_s=None if due_at_s is None or known.gave_up else max(0.0, due_at_s - now_s),
        gave_up=known.gave_up,
    )
