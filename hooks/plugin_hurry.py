"""How does a second SIGTERM hurry a stop, and a third end it?

supervisord stops its programs one after another and waits for each as long as its section says,
which for a handler with a job is minutes; a second signal only sets the same mood again. Here the
second one sends every program its stop signal at once and cuts the waits, the third kills.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from supervisor.process import EventListenerPool
from supervisor.states import ProcessStates, SupervisorStates

from hooks.plugin_guard import Guard

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_SECOND, _THIRD = 2, 3


class Hurry:
    """Stands between supervisord and its queue of signals, which it asks in each of its turns."""

    def __init__(self, supervisord: Any, wait_s: float) -> None:
        self._supervisord = supervisord
        self._options = supervisord.options
        self._wait_s = wait_s
        self._asked = 0
        self._deadline_s: float | None = None
        #: Pids whose wait was cut: what even SIGKILL does not end is not killed in every turn.
        self._cut: set[int] = set()

    def attach(self) -> None:
        """Make supervisord take its signals through here."""
        # SIGHUP makes a new plugin for the same options: never wrap a wrapper.
        stock = self._options.__dict__.setdefault(
            "podkeeper_stock_get_signal", self._options.get_signal
        )
        turn = Guard(self._supervisord)(self.on_turn)

        def get_signal() -> Any:
            number = stock()
            turn(number)
            return number

        self._options.get_signal = get_signal

    def on_turn(self, number: int | None) -> None:
        """Take the signal of this turn of the loop, if there is one, and hurry where asked to."""
        if number in _STOP_SIGNALS:
            # A stop may have been begun by supervisorctl: then the first signal is the second wish.
            stopping = self._options.mood < SupervisorStates.RUNNING
            self._asked = max(self._asked, int(stopping)) + 1
            self._on_request()
        if self._deadline_s is not None:
            self._cut_waits(self._deadline_s)

    def _on_request(self) -> None:
        if self._asked < _SECOND:
            return
        last = self._asked >= _THIRD
        self._deadline_s = time.time() + (0.0 if last else self._wait_s)
        self._cut.clear()
        when = "now" if last else f"in {self._wait_s:g} s"
        said = f"podkeeper: asked again to stop: killing what is left {when}"
        warn = self._options.logger.warn  # supervisor's logger, which knows no other name for it
        warn(said)
        # All at once, but for the listeners: the keeper ends after the rest, as always.
        for group in self._supervisord.process_groups.values():
            if not isinstance(group, EventListenerPool):
                group.stop_all()

    def _cut_waits(self, deadline_s: float) -> None:
        """Make supervisord's own kill after the stop time come no later than the deadline."""
        for group in self._supervisord.process_groups.values():
            for process in group.processes.values():
                stopping = process.state == ProcessStates.STOPPING
                if stopping and process.delay > deadline_s and process.pid not in self._cut:
                    self._cut.add(process.pid)
                    process.delay = deadline_s
