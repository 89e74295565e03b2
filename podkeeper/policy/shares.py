"""How much memory may each program use, given what the others use?

Covers: limits that move. Each program has a floor that is kept free for it and a ceiling; between
the two it may use what the others do not need. All limits together never promise more than there
is: whatever one program holds above its floor comes off the limits of the others.
Leaves out: the reserve for the kernel, which the budget does not hold (`settings.programs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Share:
    """One program's part in the budget, in bytes."""

    program: str
    floor_bytes: int
    #: None where it has no limit of its own.
    soft_bytes: int | None
    hard_bytes: int | None
    #: None where it is not known; then the floor counts.
    used_bytes: int | None

    @property
    def kept_bytes(self) -> int:
        """Return what is kept free for it: its floor, of which it may not use more than all."""
        return (
            self.floor_bytes if self.hard_bytes is None else min(self.floor_bytes, self.hard_bytes)
        )

    @property
    def needed_bytes(self) -> int:
        """Return what has to be there for it: what is kept for it, or what it holds above."""
        return max(self.kept_bytes, self.used_bytes or 0)

    @property
    def held_bytes(self) -> int:
        """Return what it holds, or what is kept free for it where that is not known."""
        return self.kept_bytes if self.used_bytes is None else self.used_bytes


@dataclass(frozen=True)
class Limits:
    """What holds for one program at one instant, in bytes."""

    soft_bytes: int
    hard_bytes: int
    #: Above this it is killed at once.
    critical_bytes: int


def limits(budget_bytes: int, shares: Sequence[Share], critical_factor: float) -> dict[str, Limits]:
    """Return the limits of each program that has some, given what all of them use.

    Killed is what exceeds its own limit by the factor. Where its limit is lower only because
    memory is kept free for others, it is killed once it takes what they really hold.
    """
    needed_bytes = sum(each.needed_bytes for each in shares)
    held_bytes = sum(each.held_bytes for each in shares)
    found = {}
    for each in shares:
        if each.soft_bytes is None or each.hard_bytes is None:
            continue
        free_bytes = budget_bytes - (needed_bytes - each.needed_bytes)
        hard_bytes = max(each.kept_bytes, min(each.hard_bytes, free_bytes), 1)
        # The soft limit keeps its distance, as a share: a smaller room is squeezed as early.
        soft_bytes = min(each.soft_bytes, each.soft_bytes * hard_bytes // each.hard_bytes)
        there_bytes = budget_bytes - (held_bytes - each.held_bytes)
        most_bytes = max(hard_bytes * critical_factor, there_bytes)
        critical_bytes = int(min(each.hard_bytes * critical_factor, most_bytes))
        found[each.program] = Limits(min(soft_bytes, hard_bytes - 1), hard_bytes, critical_bytes)
    return found
