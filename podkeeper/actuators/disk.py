"""How is room made on a disk without the keeper having to wait for it?

Covers: steps of bounded time, one after the other, in a thread: a disk in trouble may hold whoever
touches it.
Leaves out: the step itself (`podkeeper.actuators.diskstep`), the rules of a plan
(`podkeeper.loops.cleaning`), when there is too little room (`podkeeper.policy.pressure`).
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from podkeeper.actuators.budget import Budget
from podkeeper.actuators.cleaned import Cleaned
from podkeeper.actuators.diskstep import Step, Task, identities

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from podkeeper.policy.cleaning import Rule

__all__ = ["Cleaned", "Cleaner", "Task"]

_log = logging.getLogger("keeper")
#: A step that the file system holds for so many times its time is told as lost.
_PATIENCE = 3
#: Least claim to a processor: whoever generates images comes first.
_NICEST = 19


class Cleaner:
    """Makes room beside the keeper, one step at a time."""

    def __init__(
        self, rules: Sequence[Rule], *, kept: Collection[str], max_candidates: int, step_s: float
    ) -> None:
        self._rules = rules
        self._kept = kept
        self._max_candidates = max_candidates
        self._step_s = step_s
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._lost_at_s: float | None = None
        self._outcome: Cleaned | None = None

    def clean(self, task: Task) -> Cleaned:
        """Make room now, within the time of one step, and return what came of it."""
        budget = Budget(self._max_candidates, time.monotonic() + self._step_s, self._stopped)
        return Step(task, self._rules, identities(self._kept), budget).go()

    def begin(self, task: Task) -> bool:
        """Begin a step; False where the last one is on its way or has not been collected."""
        if self._thread is not None:
            return False
        self._stopped.clear()
        self._lost_at_s = time.monotonic() + _PATIENCE * self._step_s
        self._thread = threading.Thread(
            target=self._run, args=(task,), name="cleaning", daemon=True
        )
        self._thread.start()
        return True

    def _run(self, task: Task) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
        try:
            self._outcome = self.clean(task)
        except Exception as error:  # noqa: BLE001 - whoever waits for the outcome is told
            _log.exception("Cleaning ended by a fault of its own")
            self._outcome = Cleaned(ended=f"cannot clean: {error!r}")

    def finished(self) -> Cleaned | None:
        """Return what came of the step, once, when it has ended; None while there is nothing new.

        A step that the file system holds is told of once as such, and again when it has ended.
        """
        if self._thread is None:
            return None
        if not self._thread.is_alive():
            outcome, self._thread, self._outcome = self._outcome, None, None
            return outcome
        if self._lost_at_s is not None and time.monotonic() >= self._lost_at_s:
            self._lost_at_s = None
            return Cleaned(ended="held by the file system")
        return None

    def stop(self) -> None:
        """Let the step on its way end at its next entry, as when the processor is overloaded."""
        self._stopped.set()
