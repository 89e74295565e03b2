"""Whose turn is it? One at a time, first come first served, with no time limit and no way out.

As the real server's queue lock: a client that has gone away keeps its place.
"""

from __future__ import annotations

import threading
from typing import Self


class FifoLock:
    """Lets threads through one by one, in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next_ticket = 0
        self._serving = 0

    def __enter__(self) -> Self:
        with self._changed:
            ticket = self._next_ticket
            self._next_ticket += 1
            self._changed.wait_for(lambda: self._serving == ticket)
        return self

    def take_if_idle(self, wait_s: float) -> bool:
        """Take the lock once nobody holds or waits for it; return False where that took too long.

        Who has taken it gives it back as any other.
        """
        with self._changed:
            idle = self._changed.wait_for(lambda: self._next_ticket == self._serving, wait_s)
            self._next_ticket += idle
        return idle

    def give_back(self) -> None:
        """Let the next one through."""
        with self._changed:
            self._serving += 1
            self._changed.notify_all()

    def __exit__(self, *_: object) -> None:
        self.give_back()

    @property
    def depth(self) -> int:
        """Return how many hold or wait for the lock."""
        with self._changed:
            return self._next_ticket - self._serving
