"""What happens to one job from its input to its result?

Covers: check, wait for a WebUI, run there, run again with the same seeds if the WebUI dies.
Leaves out: how the result or an error reaches the platform (`worker`), memory (`making`).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handler import attempt, result, seeds
from handler.answers import Outcome, Refused
from handler.codes import Code
from handler.errors import InputInvalidError, JobError
from handler.making import Making, RestartedError
from handler.progress import WAITING
from handler.threads import in_thread
from handler.validation import catalog
from handler.validation.request import Request, parse
from handler.webui import AnswerTooLargeError, WebUILostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.attempt import Times
    from handler.making import Fitting
    from handler.pool import Pool
    from handler.progress import Reading
    from handler.result import Result
    from handler.sender import Sender
    from handler.validation.limits import Limits
    from handler.webui import WebUI


@dataclass(frozen=True)
class Terms:
    """What holds for every job of this worker."""

    limits: Limits
    times: Times
    attempts: int
    max_result_bytes: int
    fitting: Fitting


@dataclass
class Spent:
    """Where a job's time went, and how it was tried; in seconds."""

    waited_s: float = 0.0
    webui_s: float = 0.0
    deaths: int = 0
    result_bytes: int = 0


def _question(outcome: Outcome) -> dict[str, object]:
    """Return the answer to a question.

    Raises:
        JobError: The WebUI refused or failed.
    """
    if isinstance(outcome, Refused):
        raise JobError(outcome.code, outcome.message, status=outcome.status)
    return {"response": outcome.data}


class Job:
    """One job on its way."""

    def __init__(
        self,
        terms: Terms,
        pool: Pool,
        sender: Sender,
        at: Callable[[str | None], None],
        draw: Callable[[], int] = seeds.draw,
    ) -> None:
        self.terms = terms
        self.pool = pool
        self.sender = sender
        #: Told which WebUI works on it.
        self.at = at
        #: Gives the seeds that the job leaves open.
        self.draw = draw
        self.spent = Spent()
        self.making = Making(terms.fitting, self._timed, sender.tell)

    async def run(self, given: object) -> Result:
        """Return the job's result.

        Raises:
            JobError: The job failed.
            asyncio.CancelledError: The platform stopped it.
        """
        request = await in_thread(parse, given, self.terms.limits)
        if request.body is not None:
            request = replace(request, body=seeds.fixed(request.body, self.draw))
        parts = await self._made(request)
        return await in_thread(self._result, parts, request)

    def _result(self, parts: dict[str, Any], request: Request) -> Result:
        deaths, making = self.spent.deaths, self.making
        died = (f"the WebUI died {deaths} time(s); tried again",) if deaths else ()
        remarks = (*request.warnings, *died, *making.remarks)
        made = result.build(parts, self.spent.webui_s, remarks, making.receipt)
        self.spent.result_bytes = result.checked_size(made, self.terms.max_result_bytes)
        return made

    async def _made(self, request: Request) -> dict[str, Any]:
        """Return what a WebUI has made of the request."""
        deadline_s = time.monotonic() + self.pool.wait_s
        while True:
            webui = await self._ready(deadline_s)
            self.at(webui.name)
            try:
                return await self._at(webui, request)
            except WebUILostError as lost:
                if lost.sent:
                    self._count_death()
                    deadline_s = time.monotonic() + self.pool.wait_s
                self._forget(webui)
            except RestartedError:
                deadline_s = time.monotonic() + self.pool.wait_s
                self._forget(webui)
            finally:
                self.at(None)
                self.pool.release(webui)
            await asyncio.sleep(self.pool.period_s)

    async def _at(self, webui: WebUI, request: Request) -> dict[str, Any]:
        if request.body is None:
            return _question(await self._timed(webui, request, self.sender.tell))
        return await self.making.run(webui, await self._named(webui, request))

    def _forget(self, webui: WebUI) -> None:
        webui.forget()
        self.terms.fitting.planner.forget(webui)

    def _count_death(self) -> None:
        self.spent.deaths += 1
        if self.spent.deaths >= self.terms.attempts:
            text = f"the WebUI died under the job in each of {self.spent.deaths} attempts"
            raise JobError(Code.POISON_JOB, text, attempts=self.spent.deaths)

    async def _ready(self, deadline_s: float) -> WebUI:
        started_s = time.monotonic()
        try:
            return await self.pool.take(deadline_s, lambda: self.sender.tell(WAITING))
        finally:
            self.spent.waited_s += time.monotonic() - started_s

    async def _named(self, webui: WebUI, request: Request) -> Request:
        """Return the request with names as the WebUI has them.

        Raises:
            InputInvalidError: The WebUI has no such thing.
        """
        body = request.body
        needed = catalog.needed(body) if body is not None else set()
        if body is None or not needed:
            return request
        lists = await in_thread(webui.lists, needed, fresh=False)
        if catalog.missing(body, lists):  # perhaps only since the lists were read
            lists = await in_thread(webui.lists, needed, fresh=True)
        complaints = catalog.missing(body, lists)
        if complaints:
            raise InputInvalidError(complaints)
        return replace(request, body=catalog.resolved(body, lists))

    async def _timed(
        self, webui: WebUI, request: Request, tell: Callable[[Reading], None]
    ) -> Outcome:
        """Return the WebUI's answer, its time counted over all attempts."""
        times = self.terms.times
        started_s = time.monotonic()
        left_s = max(0.0, times.job_timeout_s - self.spent.webui_s)
        try:
            return await attempt.run(webui, request, left_s, times, tell)
        except AnswerTooLargeError as error:
            raise result.too_large(error.size_bytes, self.terms.max_result_bytes) from None
        finally:
            self.spent.webui_s += time.monotonic() - started_s
