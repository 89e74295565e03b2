"""Has a program that is idle stopped answering for good?

Covers: failed liveness probes in a row together with a process tree that does nothing meanwhile.
A program that fails its probes and works is busy, not dead: A1111 answers nobody while more than
forty requests wait.
Leaves out: asking (`podkeeper.probes.liveness`), a program with a job in hand (`policy.hang`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.policy import stall

if TYPE_CHECKING:
    from podkeeper.policy.stall import Lines, Signs, Still


@dataclass(frozen=True)
class Patience:
    """How much silence is too much."""

    #: Failed probes in a row.
    failures: int
    #: Pause between two that count.
    period_s: float

    @property
    def window_s(self) -> float:
        """Return how long it must also have done nothing."""
        return self.failures * self.period_s


def look(
    before: Still | None, failures: int | None, signs: Signs, lines: Lines, patience: Patience
) -> Still | None:
    """Return since when it has neither answered nor worked; None where it has, or unknown."""
    if not failures:
        return None
    return stall.look(before, signs, replace(lines, window_s=patience.window_s))


def is_lost(
    still: Still | None, failures: int | None, at_s: float, patience: Patience, *, was_ready: bool
) -> bool:
    """Return whether it is to be given up; before it was ready once its start's deadline counts."""
    enough = was_ready and failures is not None and failures >= patience.failures
    return enough and stall.stands(still, at_s, patience.window_s)
