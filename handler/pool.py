"""On which WebUI does a job run, and how long does it wait for one?

Covers: the least loaded WebUI that is ready, and the bounded wait for it. One WebUI works on one
request at a time, so as many jobs are taken as there are WebUIs.
Leaves out: starting and restarting them, which is the keeper's.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from handler.codes import Code
from handler.errors import JobError
from handler.threads import in_thread
from podkeeper.units import format_span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handler.webui import WebUI


class Pool:
    """The WebUIs of this worker."""

    def __init__(self, webuis: Sequence[WebUI], *, wait_s: float, period_s: float) -> None:
        self.webuis = tuple(webuis)
        self.wait_s = wait_s
        #: Pause between two looks. A1111 with its UI dies if it is asked often while it starts.
        self.period_s = period_s

    async def take(self, deadline_s: float, on_wait: Callable[[], None]) -> WebUI:
        """Return a ready WebUI, taken for one job; `on_wait` is called if that takes a while.

        Args:
            deadline_s: When to give up, on the monotonic clock.
            on_wait: Told each time that none was ready.

        Raises:
            JobError: None was ready in time.
        """
        while True:
            for webui in sorted(self.webuis, key=lambda each: each.load):
                if await self._taken(webui):
                    return webui
            on_wait()
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                text = f"no WebUI was ready within {format_span(self.wait_s)}"
                raise JobError(Code.WEBUI_UNREACHABLE, text, webuis=len(self.webuis))
            await asyncio.sleep(min(self.period_s, left_s))

    async def _taken(self, webui: WebUI) -> bool:
        # Counted before it is asked: another job may look for one meanwhile.
        webui.load += 1
        ready = False
        try:
            ready = await in_thread(webui.ready)
        finally:
            webui.load -= not ready
        return ready

    def release(self, webui: WebUI) -> None:
        """Give back a WebUI that `take` returned."""
        webui.load -= 1
