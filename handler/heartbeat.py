"""Does the platform go on hearing of this worker when the SDK's heartbeat dies?

Covers: noticing the end of the heartbeat process at once and starting another that names the same
jobs. The SDK itself never looks at it again: the platform would give the jobs to another worker
while this one goes on taking and running them.
Leaves out: what a heartbeat says, which is the SDK's.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

log = logging.getLogger("handler")
#: So many heartbeats in a row may end sooner than they should before the worker leaves.
_QUICK_ENDS = 3
_DEFAULT = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)


class Heartbeat:
    """Starts a heartbeat whenever the one that was started has ended."""

    def __init__(
        self,
        is_started: Callable[[], bool],
        beat: Callable[[], None],
        shortest_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take note of how to do it.

        Args:
            is_started: Says whether the SDK has started its own yet.
            beat: What the process runs; it returns only when it fails.
            shortest_s: Where heartbeat after heartbeat ends sooner, the worker leaves.
            clock: Gives seconds.
        """
        self._is_started = is_started
        self._beat = beat
        self._shortest_s = shortest_s
        self._clock = clock
        self._replaced_at_s: float | None = None
        self._quick_ends = 0

    def attach(self) -> None:
        """Look at every end of a child from now on; for the main thread."""
        signal.signal(signal.SIGCHLD, self._on_end)

    def detach(self) -> None:
        """Look no more: the process ends, and its heartbeat with it."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def _on_end(self, _number: int, _frame: FrameType | None) -> None:
        # The call also awaits what has ended, so that no zombie stays.
        if self._is_started() and not multiprocessing.active_children():
            self._replace()

    def _replace(self) -> None:
        now_s, before_s = self._clock(), self._replaced_at_s
        quick = before_s is not None and now_s - before_s < self._shortest_s
        self._quick_ends = self._quick_ends + 1 if quick else 0
        if self._quick_ends >= _QUICK_ENDS:
            log.error("the heartbeat dies again and again: leaving after the jobs in hand")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        log.warning("the heartbeat has died: starting another")
        self._replaced_at_s = now_s
        # Held back over the fork: what tells the new process to end waits until it can.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEFAULT)
        try:
            multiprocessing.Process(target=_run, args=(self._beat,), daemon=True).start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(beat: Callable[[], None]) -> None:
    """Be a heartbeat: end when told to, unlike the process that this one was forked from."""
    for number in _DEFAULT:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _DEFAULT)
    beat()
