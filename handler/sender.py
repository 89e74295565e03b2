"""How do progress messages reach the platform, in order and never after the result?

Covers: one message on its way at a time, the newest waiting, and the end of it all before the
result is handed over. The SDK's own way starts a thread for each message; one sent just before the
result arrives after it.
Leaves out: what a message looks like on the wire (`gateway`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from handler.progress import following
from handler.threads import in_thread, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.progress import Reading


class Sender:
    """Sends the progress of one job."""

    def __init__(
        self,
        post: Callable[[dict[str, object]], None],
        step_ratio: float,
        note: Callable[[Reading], None] = lambda _: None,
    ) -> None:
        self._post = post
        #: Told every reading, whether it is worth a message or not.
        self._note = note
        self._step_ratio = step_ratio
        self._last: Reading | None = None
        self._waiting: Reading | None = None
        self._task: asyncio.Task[None] | None = None

    def tell(self, reading: Reading) -> None:
        """Send a reading if it is worth it; one that still waits is replaced by it."""
        self._note(reading)
        shown = following(self._last, reading, self._step_ratio)
        if shown is None:
            return
        self._last = self._waiting = shown
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._drain())

    async def close(self) -> None:
        """Return when nothing is on its way any more; what still waits is not sent."""
        self._waiting = None
        if self._task is not None:
            await undisturbed(self._join(self._task))

    async def _drain(self) -> None:
        while self._waiting is not None:
            message, self._waiting = self._waiting.message(), None
            await in_thread(self._post, message)

    @staticmethod
    async def _join(task: asyncio.Task[None]) -> None:
        await task
