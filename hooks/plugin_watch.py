"""Who replaces a keeper that runs but no longer looks?

supervisord shows a stopped or wedged listener as RUNNING for ever. The keeper asks the plugin what
is to be seen at every look, so a keeper that has not asked for too long is killed here, inside the
process that then starts it anew. The keeper watches the watchdog likewise (`policy.silence`):
neither can be hung for long unseen.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from hooks.plugin_guard import Guard

if TYPE_CHECKING:
    from hooks.plugin_deaths import DeathRecorder

#: Why a process was killed here, as the keeper knows the word (`policy.cause`).
SILENT = "silent"


class KeeperWatch:
    """Kills the keeper's process when it has been silent for too long."""

    def __init__(
        self, supervisord: Any, deaths: DeathRecorder, *, program: str, silence_s: float
    ) -> None:
        self._supervisord = supervisord
        self._deaths = deaths
        self._program = program
        self._silence_s = silence_s
        self._heard_at_s = time.monotonic()
        self._heard_pid = 0

    def attach(self) -> None:
        """Look at every tick of supervisord from now on."""
        events.subscribe(events.TickEvent, Guard(self._supervisord)(self.on_tick))

    def heard(self) -> None:
        """Note a sign of life of the keeper."""
        self._heard_at_s = time.monotonic()

    def on_tick(self, _event: object) -> None:
        """Kill the keeper if it runs and has been silent for too long."""
        if self._supervisord.options.mood < SupervisorStates.RUNNING:
            return  # it looks no more, and is needed at the end, for what the others leave behind
        process = self._process()
        if process is None or process.state != ProcessStates.RUNNING or not process.pid:
            return
        if process.pid != self._heard_pid:
            # A new life: its silence counts from when it was first seen.
            self._heard_pid = process.pid
            self.heard()
            return
        if time.monotonic() - self._heard_at_s > self._silence_s:
            self._kill(process)

    def _process(self) -> Any:
        group = self._supervisord.process_groups.get(self._program)
        return None if group is None else group.processes.get(self._program)

    def _kill(self, process: Any) -> None:
        log = self._supervisord.options.logger.critical
        who = f"{self._program} (pid {process.pid})"
        log(f"podkeeper: {who} has not looked for more than {self._silence_s:g} s: killing it")
        self._deaths.expect(process.pid, SILENT)
        try:
            # Not process.kill(): that counts as a stop on request, after which supervisord would
            # leave the keeper stopped. A stopped process takes SIGKILL, too.
            os.kill(process.pid, signal.SIGKILL)
        except OSError as error:
            log(f"podkeeper: cannot kill {who}: {error.strerror}")
        self.heard()
