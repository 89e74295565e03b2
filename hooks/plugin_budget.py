"""How much may one program write before its lines are counted instead of kept?

A token bucket for each program: what it may write in a second, and a burst on top. A program that
floods costs the others neither their lines nor the loop's time; nothing ever makes it wait, which
would freeze it in the middle of its work.
"""

from __future__ import annotations

from typing import NamedTuple


class Missed(NamedTuple):  # `dataclasses` would cost supervisord a megabyte
    """Output that was not kept."""

    lines: int = 0
    size_bytes: int = 0


class Budget:
    """One program's."""

    def __init__(self, rate_bytes_per_s: float, burst_bytes: float) -> None:
        self._rate = rate_bytes_per_s
        self._burst = burst_bytes
        self._left = burst_bytes
        self._seen_s: float | None = None
        #: What was not kept and nobody has been told of yet.
        self.unsaid = Missed()

    def take(self, size_bytes: int, now_s: float) -> bool:
        """Return whether so many bytes are within the budget, and take them off it if so.

        One take may overdraw it, so that a line longer than the burst still comes through.
        """
        if self.spent(now_s):
            return False
        self._left -= size_bytes
        return True

    def spent(self, now_s: float) -> bool:
        """Return whether nothing more is within the budget at an instant."""
        before_s = now_s if self._seen_s is None else self._seen_s
        self._seen_s = now_s
        self._left = min(self._burst, self._left + max(0.0, now_s - before_s) * self._rate)
        return self._left <= 0

    def miss(self, lines: int, size_bytes: int) -> None:
        """Count output that was not kept."""
        self.unsaid = Missed(self.unsaid.lines + lines, self.unsaid.size_bytes + size_bytes)

    def say(self) -> Missed | None:
        """Return what was not kept since this was asked last; None where all was."""
        unsaid, self.unsaid = self.unsaid, Missed()
        return unsaid if unsaid.size_bytes else None
