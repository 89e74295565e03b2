"""How does supervisord notice a death at once instead of within a second?

Its loop polls with a timeout of one second and SIGCHLD does not end that poll: Python runs the
handler and goes on waiting. So the signal also writes to a pipe that the loop polls (the standard
`signal.set_wakeup_fd`), the pipe's reader reaps, and the transition right after acts. State
changes write to the same pipe, so that event listeners are served in the next turn. And the poll's
timeout is cut to the next deadline (startsecs, backoff, stopwaitsecs).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

from supervisor import events
from supervisor.states import ProcessStates

_DRAIN_BYTES = 4096
# A deadline must have passed when the loop looks; and one that has passed without effect (a program
# in BACKOFF during a shutdown) must not make the loop spin.
_LATE_S = 0.001
_SHORTEST_S = 0.01


class WakeUp:
    """A pipe in supervisord's poll that signals and events write to."""

    # What supervisord's loop asks of anything it polls.
    closed = False

    def __init__(self, supervisord: Any) -> None:
        self._supervisord = supervisord
        self._reader, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def attach(self) -> None:
        """Start waking supervisord up."""
        self._supervisord.options.get_socket_map()[self._reader] = self
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        events.subscribe(events.ProcessStateEvent, self._on_event)
        events.subscribe(events.SupervisorStateChangeEvent, self._on_event)
        poller = self._supervisord.options.poller
        # SIGHUP makes a new plugin for the same poller: never wrap a wrapper.
        stock = poller.__dict__.setdefault("podkeeper_stock_poll", poller.poll)
        poller.poll = lambda timeout: stock(self._bounded(timeout))
        self._on_event(None)

    def _on_event(self, _event: object) -> None:
        # A full pipe wakes the loop as well as one more byte would.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"e")

    def _bounded(self, timeout: float) -> float:
        """Return the poll's timeout, shortened to the next deadline of any process."""
        now = time.time()
        waits = [
            max(_SHORTEST_S, deadline - now + _LATE_S)
            for group in self._supervisord.process_groups.values()
            for process in group.processes.values()
            for deadline in _deadlines(process)
        ]
        return min([timeout, *waits])

    def readable(self) -> bool:
        """Return that the loop should poll the pipe."""
        return True

    def writable(self) -> bool:
        """Return that the loop need not poll for writing."""
        return False

    def handle_read_event(self) -> None:
        """Empty the pipe and reap, so that the transitions of this turn see who died."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, _DRAIN_BYTES):
                pass
        self._supervisord.reap()

    def handle_error(self) -> None:
        """Log what went wrong; supervisord goes on as if there were no plugin."""
        self._supervisord.options.logger.error("podkeeper: wake-up failed in this turn")

    def close(self) -> None:
        """Do nothing: the pipe lives as long as supervisord."""


def _deadlines(process: Any) -> list[float]:
    """Return when, on the wall clock, the process's state is due to change by itself."""
    if process.state == ProcessStates.STARTING:
        return [process.laststart + process.config.startsecs]
    if process.state in (ProcessStates.BACKOFF, ProcessStates.STOPPING):
        return [process.delay]
    return []
