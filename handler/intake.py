"""Which job does the SDK get, and what becomes of one that the platform grants twice?

Covers: every grant into the journal before the SDK sees it; jobs that a killed handler left, handed
out like new ones; jobs that the SDK never received, handed out again; one job never twice at once.
Leaves out: HTTP (`relay`), the job's run (`durable`). For the event loop, one call at a time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

from handler.codes import Code
from handler.errors import JobError
from handler.posted import posted
from handler.threads import in_thread
from podkeeper.model.journal import State
from podkeeper.policy.journal import Duty, Grant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from handler.courier import Courier
    from handler.journal import Journal

log = logging.getLogger("handler")


class Granted(msgspec.Struct):
    """As much of a job as has to be known to keep it."""

    id: str
    input: msgspec.Raw = msgspec.Raw(b"null")


def read(body: bytes) -> list[tuple[str, bytes]]:
    """Return the jobs in an answer, one or a list, each with its id and its JSON.

    A job without an input gets an empty one, since the SDK would drop it without a word.

    Raises:
        msgspec.MsgspecError: There are no such jobs in it.
    """
    found: list[msgspec.Raw] | msgspec.Raw
    found = (
        msgspec.json.decode(body, type=list[msgspec.Raw]) if _is_list(body) else [msgspec.Raw(body)]
    )
    return [_job(bytes(each)) for each in found]


def _is_list(body: bytes) -> bool:
    return body.lstrip()[:1] == b"["


def _job(raw: bytes) -> tuple[str, bytes]:
    known = msgspec.json.decode(raw, type=Granted)
    keys: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    whole = raw if "input" in keys else msgspec.json.encode({**keys, "input": None})
    return known.id, whole


def poison(deaths: int) -> JobError:
    """Return the error of a job that has killed too often."""
    text = f"WebUIs or handlers died under the job {deaths} times; it is not run again"
    return JobError(Code.POISON_JOB, text, deaths=deaths)


def _late() -> JobError:
    return JobError(Code.JOB_TIMEOUT, "the handler was killed, and no time is left to begin again")


class Intake:
    """Hands out the journal's jobs."""

    def __init__(
        self, journal: Journal, courier: Courier, in_progress: Callable[[], Collection[str]]
    ) -> None:
        """Take note of who has what.

        Args:
            journal: All jobs.
            courier: Delivers what has ended.
            in_progress: The ids of the jobs that the SDK has.
        """
        self._journal = journal
        self._courier = courier
        self._in_progress = in_progress
        #: Handed out, and begun: nobody else gets them.
        self._handed: set[str] = set()
        self._begun: set[str] = set()

    def settle(self) -> None:
        """Bring jobs that are not to be begun again to their end; deliver what waits."""
        for name, duty in list(self._journal.failing.items()):
            self._fail(name, _late() if duty is Duty.FAIL_LATE else self._poison(name))
        on_the_way = set(self._courier.names())
        for name in self._journal.undelivered():
            if name not in on_the_way:
                self._courier.send(name)

    def _poison(self, name: str) -> JobError:
        entry = self._journal.get(name)
        deaths = 0 if entry is None else max(entry.webui_deaths, entry.handler_deaths)
        return poison(deaths)

    def _fail(self, name: str, error: JobError) -> None:
        log.error("job %s ended without a run: FAILED %s", name, error.code)
        wanted = self._journal.finish(name, posted(error.as_result()), str(error.code))
        # Only now: nobody may begin it meanwhile.
        self._journal.failing.pop(name, None)
        if wanted:
            self._courier.send(name)

    async def accept(self, name: str, job: bytes) -> None:
        """Take a job that the platform has granted."""
        grant = await in_thread(self._journal.grant, name, job)
        if grant is Grant.HELD:
            log.warning("job %s was granted again while it is in hand; it runs once", name)
        elif grant is Grant.ANSWER:
            log.warning("job %s was granted again; it gets the result that there is", name)
            self._courier.send(name)
        elif grant is Grant.FAIL:
            await in_thread(self._fail, name, self._poison(name))

    async def offers(self, limit: int, *, sdk_has_left: bool = False) -> list[bytes]:
        """Return jobs that nobody is at work on, as JSON.

        What was handed to the SDK is not among them, unless it did not receive it, or has left.
        """
        with_sdk = () if sdk_has_left else self._in_progress()
        self._handed = {each for each in self._handed if each in with_sdk}
        taken = self._handed | self._begun
        names = [each for each in self._journal.accepted() if each not in taken][:limit]
        found = []
        for name in names:
            job = await in_thread(self._journal.job, name)
            if job is None:
                await in_thread(self._fail, name, JobError(Code.INTERNAL, "its input was lost"))
            else:
                self._handed.add(name)
                found.append(job)
        return found

    def withdraw(self, names: Iterable[str]) -> None:
        """Take note that the platform wants jobs stopped."""
        for name in names:
            if self._journal.close(name, State.UNWANTED, "the platform has stopped it"):
                log.info("job %s: the platform wants it stopped", name)
        self._courier.wake()

    def begun(self, name: str) -> None:
        """Take note that a job's run has begun."""
        self._begun.add(name)

    def ended(self, name: str) -> None:
        """Take note that a job's run has ended, however it did."""
        self._begun.discard(name)
        self._handed.discard(name)
