"""How does a route wait for work without holding the event loop or the WebUI's own threads?

A1111 answers in forty threads, and jobs that wait their turn hold one each: what is asked of a
WebUI in trouble must not stand in line behind them. Hence a daemon thread of our own for each piece
of work, one at a time of each kind. One that hangs holds nothing but itself, at the end included.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class BusyError(Exception):
    """Work of this kind is under way; the message says which."""


class Threads:
    """Pieces of work under way, by kind."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Any]] = {}

    async def result(
        self, kind: str, work: Callable[[], Any], timeout_s: float, *, shared: bool = False
    ) -> Any:
        """Return what the work returns.

        Args:
            kind: What it is; one of each kind runs at a time.
            work: To be done in a thread.
            timeout_s: How long to wait for it; it then goes on alone.
            shared: Whether who comes second gets the first one's result.

        Raises:
            BusyError: One of that kind runs, and its result is not shared.
            asyncio.TimeoutError: It took too long.
            Exception: What the work raised.
        """
        future = self._under_way.get(kind)
        if future is None:
            future = self._begin(kind, work)
        elif not shared:
            raise BusyError(f"a {kind} is under way")
        return await asyncio.wait_for(asyncio.shield(future), timeout_s)

    def _begin(self, kind: str, work: Callable[[], Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._under_way[kind] = future
        future.add_done_callback(lambda _: self._end(kind, future))

        def run() -> None:
            try:
                call, value = future.set_result, work()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                call, value = future.set_exception, error
            # The loop may have ended meanwhile; then nobody waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call, value)

        threading.Thread(target=run, name=f"podkeeper {kind}", daemon=True).start()
        return future

    def _end(self, kind: str, future: asyncio.Future[Any]) -> None:
        del self._under_way[kind]
        future.exception()  # seen, also where the one who waited has gone
