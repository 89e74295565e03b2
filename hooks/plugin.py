"""What does podkeeper add inside supervisord's own process?

supervisord loads this as `[rpcinterface:podkeeper]`. It is put together from parts: deaths with
their cause (`hooks.plugin_deaths`), waking up at once instead of within a second
(`hooks.plugin_wakeup`), starting programs without a second Python (`hooks.plugin_launch`), log
lines that carry time and program (`hooks.plugin_lines`), replacing a keeper that fell silent
(`hooks.plugin_watch`), an exit code that tells the truth (`hooks.plugin_exit`), a second signal
that hurries a stop (`hooks.plugin_hurry`), operators' orders and questions
(`hooks.plugin_operations`).

Everything here runs in the process that owns all others: standard library only, no blocking call,
and nothing may raise into supervisord's loop, which would end it.
"""

from __future__ import annotations

import json
from typing import Any

from supervisor.states import SupervisorStates, getProcessStateDescription

from hooks.plugin_deaths import DeathRecorder
from hooks.plugin_exit import ExitCode
from hooks.plugin_hurry import Hurry
from hooks.plugin_launch import ForkLauncher
from hooks.plugin_lines import LineWriter
from hooks.plugin_operations import Operations
from hooks.plugin_wakeup import WakeUp
from hooks.plugin_watch import KeeperWatch


class Namespace(Operations):
    """The XML-RPC methods `podkeeper.*`."""

    def __init__(  # noqa: PLR0913 - the parts, each made once
        self,
        supervisord: Any,
        deaths: DeathRecorder,
        lines: LineWriter,
        watch: KeeperWatch,
        ending: ExitCode,
        *,
        plan: str,
    ) -> None:
        super().__init__(plan)
        self._supervisord = supervisord
        self._deaths = deaths
        self._lines = lines
        self._watch = watch
        self._ending = ending

    def see(self, after: str) -> str:
        """Return all that the keeper looks at, of one instant, as JSON.

        These are whether supervisord runs programs rather than shutting down, every program with
        its state, and the deaths with a sequence above a number. One answer instead of three: a
        restart waits for it. The keeper asks at every look, which is also its sign of life.

        @param string after   the last death already known, -1 for all; longer than XML-RPC's int
        @return string result
        """
        self._watch.heard()
        seen = {**self._now(), "deaths": self._deaths.after(int(after))}
        return json.dumps(seen)

    def programs(self) -> str:
        """Return whether supervisord runs programs, and every program with its state, as JSON.

        @return string result
        """
        return json.dumps(self._now())

    def _now(self) -> dict[str, Any]:
        groups = self._supervisord.process_groups.values()
        return {
            "running": self._supervisord.options.mood == SupervisorStates.RUNNING,
            "programs": [_state(each) for group in groups for each in group.processes.values()],
        }

    def droppedLines(self) -> int:  # noqa: N802 - supervisor's RPC methods are in this case
        """Return how many log lines were dropped because nobody read standard output.

        @return int result
        """
        return self._lines.dropped

    def suppressedLines(self) -> int:  # noqa: N802 - supervisor's RPC methods are in this case
        """Return how many log lines were not kept because their program wrote too many.

        @return int result
        """
        return self._lines.suppressed

    def suppressedKibibytes(self) -> int:  # noqa: N802 - supervisor's RPC methods are in this case
        """Return how much output was not kept, in KiB: XML-RPC's int is short.

        @return int result
        """
        return self._lines.suppressed_bytes // 1024

    def setExitCode(self, code: int) -> bool:  # noqa: N802 - supervisor's RPC methods are in this case
        """Set what supervisord's process ends with once it is shut down.

        @param int code   from 0 to 255
        @return boolean result   always true
        """
        self._ending.code = code
        return True


def _state(process: Any) -> dict[str, Any]:
    """Return one program, in the words of `podkeeper.supervisord.ProgramInfo`."""
    return {
        "name": str(process.config.name),
        "state": getProcessStateDescription(process.get_state()),
        "pid": process.pid or 0,
        "started_at_s": int(process.laststart),
        "stopped_at_s": int(process.laststop),
        "exit_status": process.exitstatus or 0,
        "spawn_error": str(process.spawnerr or ""),
    }


def make_rpcinterface(  # noqa: PLR0913, PLR0917 - the options of its section, by name
    supervisord: Any,
    wakeup: str = "true",
    keeper_silence_s: str = "inf",
    lines_rate_bytes_per_s: str = "inf",
    lines_burst_bytes: str = "inf",
    hurry_wait_s: str = "0",
    plan: str = "",
    **_: str,
) -> Namespace:
    """Put the plugin into a supervisord that is starting; called once for its one server.

    Args:
        supervisord: The live `supervisor.supervisord.Supervisor`.
        wakeup: "false" leaves supervisord's own once-a-second polling alone.
        keeper_silence_s: How long the keeper may go without a look before it is replaced.
        lines_rate_bytes_per_s: What each program may write in a second; the rest is counted.
        lines_burst_bytes: What it may write on top of that at once.
        hurry_wait_s: How long a stop may still take after a second signal.
        plan: Path of the plan.
    """
    ending = ExitCode()
    ending.attach()
    deaths = DeathRecorder(supervisord)
    deaths.attach()
    ForkLauncher(supervisord).attach()
    lines = LineWriter(float(lines_rate_bytes_per_s), float(lines_burst_bytes))
    lines.attach(supervisord, deaths)
    watch = KeeperWatch(supervisord, deaths, program="keeper", silence_s=float(keeper_silence_s))
    watch.attach()
    if wakeup.lower() != "false":
        WakeUp(supervisord).attach()
    Hurry(supervisord, float(hurry_wait_s)).attach()
    return Namespace(supervisord, deaths, lines, watch, ending, plan=plan)
