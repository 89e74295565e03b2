"""How much may still be kept in mind or done, and until when?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading


class Budget:
    """An instant of the monotonic clock, and how many candidates are kept at most."""

    def __init__(
        self, candidates: int, until_s: float, stopped: threading.Event | None = None
    ) -> None:
        self._candidates = candidates
        self._until_s = until_s
        self._stopped = stopped
        #: Why it is spent; empty while it is not.
        self.spent = ""

    def half(self) -> Budget:
        """Return a budget of half the time that is left, and as many candidates."""
        now_s = time.monotonic()
        return Budget(self._candidates, (now_s + self._until_s) / 2, self._stopped)

    @property
    def left(self) -> bool:
        """Whether there is any left, and nobody has asked to stop."""
        if self._stopped is not None and self._stopped.is_set():
            self.spent = self.spent or "told to stop"
        elif time.monotonic() >= self._until_s:
            self.spent = self.spent or "out of time"
        return not self.spent

    def take(self) -> bool:
        """Return whether one more candidate may be kept."""
        self._candidates -= 1
        if self._candidates < 0:
            self.spent = self.spent or "more candidates than one step keeps in mind"
        return self._candidates >= 0
