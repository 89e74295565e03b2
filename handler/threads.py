"""How does blocking work run beside the event loop?

Covers: one call in a thread of its own, awaited; and awaiting something to its end in spite of
being cancelled. The loop's own pool is not used: it is small, and the interpreter waits for its
threads when it exits, even for one that hangs on a dead WebUI.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def in_thread(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Return what `function` returns, or raise what it raises; the loop goes on meanwhile."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = function(*args, **kwargs)
        except BaseException as caught:  # noqa: BLE001 - raised again where it is awaited
            error = caught
        # A closed loop has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name="blocking", daemon=True).start()
    return await future


async def undisturbed(coroutine: Coroutine[None, None, _T]) -> _T:
    """Return what `coroutine` returns, running it to its end even if this await is cancelled.

    For cleaning up after a cancellation: a second one must not cut it short.
    """
    task = asyncio.ensure_future(coroutine)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
