"""What is done to a WebUI whose memory ran out?

Covers: letting it give memory back, loading its model anew, and having it restarted. Restarting is
the keeper's deed: it is ordered as an operator would, and awaited until another process is seen.
Leaves out: when each is due (`podkeeper.policy.oom_ladder`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from handler.answers import Answered
from handler.threads import in_thread
from handler.validation.request import API
from podkeeper.errors import SupervisordError
from podkeeper.model import snapshot
from podkeeper.policy.orders import Name
from podkeeper.units import format_span

if TYPE_CHECKING:
    from pathlib import Path

    from handler.webui import WebUI
    from podkeeper.supervisord import Supervisord

log = logging.getLogger("handler")


async def reclaim(webui: WebUI, wait_s: float, timeout_s: float) -> None:
    """Let a WebUI give back what it can.

    By podkeeper's extension where that is there. Without it a pause has to do: A1111 empties
    torch's cache by itself when the next job begins.
    """
    asked = {"wait_s": wait_s}
    outcome = await in_thread(webui.ask, "POST", "/podkeeper/reclaim", asked, timeout_s)
    if not isinstance(outcome, Answered):
        await asyncio.sleep(wait_s)


async def reload(webui: WebUI, timeout_s: float) -> None:
    """Take the weights off the card and put them there again; no job may run meanwhile."""
    for name in ("unload-checkpoint", "reload-checkpoint"):
        await in_thread(webui.ask, "POST", API + name, {}, timeout_s)


class Restarts:
    """The way to have a WebUI restarted."""

    def __init__(
        self, supervisord: Supervisord, snapshot_path: Path, *, wait_s: float, period_s: float
    ) -> None:
        self._supervisord = supervisord
        self._snapshot_path = snapshot_path
        self._wait_s = wait_s
        self._period_s = period_s

    def _process(self, name: str) -> tuple[int | None, int | None] | None:
        """Return what identifies a program's process; None where it is not known."""
        try:
            seen = snapshot.read(self._snapshot_path)
        except OSError:
            return None
        program = None if seen is None else seen.program(name)
        return None if program is None else (program.pid, program.start_ticks)

    async def restart(self, webui: WebUI) -> bool:
        """Return whether a WebUI has another process than before, having asked the keeper."""
        before = await in_thread(self._process, webui.name)
        if before is None:
            log.warning("cannot have %s restarted: no snapshot of the watchdog", webui.name)
            return False
        try:
            await in_thread(self._supervisord.order, Name.RESTART, webui.name)
        except SupervisordError as error:
            log.warning("cannot have %s restarted: %s", webui.name, error)
            return False
        deadline_s = time.monotonic() + self._wait_s
        while time.monotonic() < deadline_s:
            await asyncio.sleep(self._period_s)
            now = await in_thread(self._process, webui.name)
            if now is not None and now != before and now[0] is not None:
                return True
        log.warning("%s was not restarted within %s", webui.name, format_span(self._wait_s))
        return False
