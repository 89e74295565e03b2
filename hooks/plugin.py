"""What does podkeeper add inside supervisord's own process?

supervisord loads this as `[rpcinterface:podkeeper]`. It is put together from three parts: deaths
with their cause (`hooks.plugin_deaths`), waking up at once instead of within a second
(`hooks.plugin_wakeup`) and log lines that carry time and program (`hooks.plugin_lines`).

Everything here runs in the process that owns all others: standard library only, no blocking call,
and nothing may raise into supervisord's loop, which would end it.
"""

from __future__ import annotations

import json
from typing import Any

from hooks.plugin_deaths import DeathRecorder
from hooks.plugin_lines import LineWriter
from hooks.plugin_wakeup import WakeUp


class Namespace:
    """The XML-RPC methods `podkeeper.*`."""

    def __init__(self, deaths: DeathRecorder, lines: LineWriter) -> None:
        self._deaths = deaths
        self._lines = lines

    def deaths(self, after: str) -> str:
        """Return the deaths with a sequence above a number, as JSON.

        @param string after   the last sequence already known, -1 for all; longer than XML-RPC's int
        @return string result
        """
        return json.dumps(self._deaths.after(int(after)))

    def droppedLines(self) -> int:  # noqa: N802 - supervisor's RPC methods are in this case
        """Return how many log lines were dropped because nobody read standard output.

        @return int result
        """
        return self._lines.dropped


def make_rpcinterface(supervisord: Any, wakeup: str = "true", **_: str) -> Namespace:
    """Put the plugin into a supervisord that is starting; called once for its one server.

    Args:
        supervisord: The live `supervisor.supervisord.Supervisor`.
        wakeup: "false" leaves supervisord's own once-a-second polling alone.
    """
    lines = LineWriter()
    lines.attach(supervisord)
    deaths = DeathRecorder(supervisord)
    deaths.attach()
    if wakeup.lower() != "false":
        WakeUp(supervisord).attach()
    return Namespace(deaths, lines)
