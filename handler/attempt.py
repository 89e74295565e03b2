"""How does one request run on one WebUI, and how is it stopped?

Covers: the request in a thread, its progress meanwhile, the end of its time, and a cancellation:
both interrupt the WebUI and wait until it has stopped, so that the next job starts clean.
Leaves out: whether to try again (`job`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.codes import Code
from handler.errors import JobError
from handler.threads import in_thread, undisturbed
from handler.webui import WebUILostError
from podkeeper.units import format_span

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.answers import Outcome
    from handler.progress import Reading
    from handler.validation.request import Request
    from handler.webui import WebUI

log = logging.getLogger("handler")


@dataclass(frozen=True)
class Times:
    """How long things may take while a job is at a WebUI, in seconds."""

    job_timeout_s: float
    interrupt_wait_s: float
    interrupt_period_s: float
    progress_period_s: float


async def _watch(webui: WebUI, period_s: float, tell: Callable[[Reading], None]) -> None:
    """Tell how far the job is, for ever."""
    while True:
        await asyncio.sleep(period_s)
        reading = await in_thread(webui.progress)
        if reading is not None:
            tell(reading)


async def _stop(webui: WebUI, call: asyncio.Future[Outcome], times: Times) -> bool:
    """Return whether the WebUI has ended the request within the time it is given.

    One interrupt is not enough: the WebUI forgets it when a job that still waits or loads begins.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + times.interrupt_wait_s
    while not call.done() and loop.time() < deadline_s:
        await in_thread(webui.interrupt)
        left_s = max(0.0, deadline_s - loop.time())
        await asyncio.wait({call}, timeout=min(times.interrupt_period_s, left_s))
    webui.suspect = not _ended(call)
    if webui.suspect:
        wait = format_span(times.interrupt_wait_s)
        log.warning("%s did not end an interrupted job within %s", webui.name, wait)
    return not webui.suspect


def _ended(call: asyncio.Future[Outcome]) -> bool:
    """Return whether the WebUI has answered or is gone; ours having left does not count."""
    if not call.done():
        return False
    error = call.exception()
    return not (isinstance(error, WebUILostError) and error.overdue)


def _overdue(times: Times, *, stopped: bool) -> JobError:
    end = "was interrupted" if stopped else "does not react to an interrupt"
    text = f"the job took longer than {format_span(times.job_timeout_s)}; the WebUI {end}"
    return JobError(Code.JOB_TIMEOUT, text, limit_s=times.job_timeout_s, interrupted=stopped)


def _retrieved(call: asyncio.Future[Outcome]) -> None:
    """Look at the exception of a call that nobody awaits any more, so that asyncio is content."""
    if not call.cancelled():
        call.exception()


async def run(
    webui: WebUI, request: Request, left_s: float, times: Times, tell: Callable[[Reading], None]
) -> Outcome:
    """Return what the WebUI answers.

    Raises:
        JobError: It took longer than `left_s`.
        WebUILostError: The WebUI died.
        AnswerTooLargeError: The answer is larger than what can be sent.
        asyncio.CancelledError: The platform stopped the job; the WebUI has been interrupted.
    """
    # The thread outlives the deadline just long enough to see the interrupt's effect.
    read_s = left_s + times.interrupt_wait_s
    asked = in_thread(webui.ask, request.method, request.path, request.body, read_s)
    call = asyncio.ensure_future(asked)
    call.add_done_callback(_retrieved)
    watch = asyncio.create_task(_watch(webui, times.progress_period_s, tell))
    try:
        return await asyncio.wait_for(asyncio.shield(call), left_s)
    except TimeoutError:
        raise _overdue(times, stopped=await undisturbed(_stop(webui, call, times))) from None
    except asyncio.CancelledError:
        await undisturbed(_stop(webui, call, times))
        raise
    finally:
        watch.cancel()
