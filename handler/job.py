"""What happens to one job from its input to its result?

Covers: check, wait for a WebUI, run there, run again with the same seeds if the WebUI dies.
Leaves out: how the result or an error reaches the platform (`worker`), memory and degradation.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handler import attempt, result, seeds
from handler.answers import Outcome, Refused
from handler.codes import Code
from handler.errors import InputInvalidError, JobError
from handler.progress import WAITING
from handler.threads import in_thread
from handler.validation import catalog
from handler.validation.request import Request, parse
from handler.webui import AnswerTooLargeError, WebUILostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.attempt import Times
    from handler.pool import Pool
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


@dataclass
class Spent:
    """Where a job's time went, and how it was tried; in seconds."""

    waited_s: float = 0.0
    webui_s: float = 0.0
    deaths: int = 0
    result_bytes: int = 0


def _refuse(outcome: Outcome) -> object:
    """Return the data of an answer.

    Raises:
        JobError: The WebUI refused or failed.
    """
    if isinstance(outcome, Refused):
        raise JobError(outcome.code, outcome.message, status=outcome.status)
    return outcome.data


class Job:
    """One job on its way."""

    def __init__(
        self, terms: Terms, pool: Pool, sender: Sender, at: Callable[[str | None], None]
    ) -> None:
        self.terms = terms
        self.pool = pool
        self.sender = sender
        #: Told which WebUI works on it.
        self.at = at
        self.spent = Spent()

    async def run(self, given: object) -> Result:
        """Return the job's result.

        Raises:
            JobError: The job failed.
            asyncio.CancelledError: The platform stopped it.
        """
        request = await in_thread(parse, given, self.terms.limits)
        if request.body is not None:
            request = replace(request, body=seeds.fixed(request.body))
        request, data = await self._answer(request)
        return await in_thread(self._result, data, request)

    def _result(self, data: object, request: Request) -> Result:
        deaths = self.spent.deaths
        remarks = (f"the WebUI died {deaths} time(s); tried again",) if deaths else ()
        made = result.build(data, request, self.spent.webui_s, remarks)
        self.spent.result_bytes = result.checked_size(made, self.terms.max_result_bytes)
        return made

    async def _answer(self, request: Request) -> tuple[Request, object]:
        """Return the request as it was sent, and the data of its answer."""
        deadline_s = time.monotonic() + self.pool.wait_s
        while True:
            webui = await self._ready(deadline_s)
            self.at(webui.name)
            try:
                named = await self._named(webui, request)
                return named, _refuse(await self._timed(webui, named))
            except WebUILostError as lost:
                webui.forget()
                if lost.sent:
                    self._count_death()
                    deadline_s = time.monotonic() + self.pool.wait_s
            finally:
                self.at(None)
                self.pool.release(webui)
            await asyncio.sleep(self.pool.period_s)

    def _count_death(self) -> None:
        self.spent.deaths += 1
        if self.spent.deaths >= self.terms.attempts:
            text = f"the WebUI died under the job in each of {self.spent.deaths} attempts"
            raise JobError(Code.WEBUI_UNREACHABLE, text, attempts=self.spent.deaths)

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

    async def _timed(self, webui: WebUI, request: Request) -> Outcome:
        """Return the WebUI's answer, its time counted over all attempts."""
        times = self.terms.times
        started_s = time.monotonic()
        left_s = max(0.0, times.job_timeout_s - self.spent.webui_s)
        try:
            return await attempt.run(webui, request, left_s, times, self.sender.tell)
        except AnswerTooLargeError as error:
            raise result.too_large(error.size_bytes, self.terms.max_result_bytes) from None
        finally:
            self.spent.webui_s += time.monotonic() - started_s
