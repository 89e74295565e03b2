"""What does supervisord run at the moment, asked no more often than needed?

A process that comes or goes shows in /proc, and then supervisord is asked at once, and again while
a state is on its way to the next; otherwise only now and then, for safety. Each question wakes
supervisord.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from podkeeper.errors import SupervisordError

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.probes.process import Scan
    from podkeeper.supervisord import ProgramInfo

logger = logging.getLogger(__name__)

#: States that pass by themselves; all others change only when a process comes or goes.
_PASSING = frozenset({"STARTING", "STOPPING", "BACKOFF"})


class States:
    """supervisord's newest word on each program."""

    def __init__(
        self,
        ask: Callable[[], list[ProgramInfo]],
        supervisord_pid: int,
        period_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._supervisord_pid = supervisord_pid
        self._period_s = period_s
        self._clock = clock
        self._asked_s: float | None = None
        self._children: set[tuple[int, int]] = set()
        self._known: dict[str, ProgramInfo] = {}
        self._unsettled = False
        #: Whether the last question was answered.
        self.answered = True

    def _children_in(self, seen: Scan) -> set[tuple[int, int]]:
        return {
            each.identity
            for each in seen.values()
            if each.ppid == self._supervisord_pid and each.alive
        }

    def look(self, seen: Scan) -> dict[str, ProgramInfo]:
        """Return what supervisord said last of each program, by name.

        Where it did not answer (`answered`) the last words stand; their pids are still good for
        finding processes, their states are not to be shown as known.
        """
        now_s, children = self._clock(), self._children_in(seen)
        due = self._asked_s is None or now_s - self._asked_s >= self._period_s
        moving = children != self._children or self._unsettled
        if due or (self.answered and moving):
            self._asked_s, self._children = now_s, children
            self._refresh()
        return self._known

    def _refresh(self) -> None:
        try:
            self._known = {each.name: each for each in self._ask()}
            self._unsettled = any(each.state in _PASSING for each in self._known.values())
        except SupervisordError as error:
            if self.answered:
                logger.warning("%s; states are unknown until it answers", error)
            self.answered = False
            return
        if not self.answered:
            logger.info("supervisord answers again")
        self.answered = True
