"""What does supervisord say, asked no more often than needed?

While every program runs, its word changes only with an event, and every event comes to the keeper:
so between two looks without one the last word stands. It is asked again after a while all the
same, because an event may be lost. While anything does not run or is on its way to another state
it is asked at every look: what is done then, a sweep before a start above all, must not rest on an
old word. Each question wakes supervisord and costs both sides a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.supervisord import Seen


class Word:
    """supervisord's last word, good until something may have changed."""

    def __init__(
        self, ask: Callable[[int], Seen], period_s: float, clock: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._period_s = period_s
        self._clock = clock
        self._asked_s = 0.0
        self._last: Seen | None = None

    def stands(self) -> bool:
        """Return whether the last word still holds, so that a look would not ask."""
        last = self._last
        return (
            last is not None and _all_run(last) and self._clock() - self._asked_s < self._period_s
        )

    def look(self, known_death: int) -> Seen:
        """Return what supervisord says now, or said last where that still holds.

        Raises:
            SupervisordError: It did not answer.
        """
        if self._last is not None and self.stands():
            return self._last
        self._last, self._asked_s = None, self._clock()
        self._last = seen = self._ask(known_death)
        return seen

    def hint(self) -> None:
        """Forget the last word: something has happened."""
        self._last = None


def _all_run(seen: Seen) -> bool:
    return seen.running and all(each.state == "RUNNING" for each in seen.programs)
