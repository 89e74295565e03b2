"""How does a job that is in the journal run, and when is its place free for the next one?

Covers: one attempt, noted in the journal at each step; the result in the spool before anything else
learns of it; the wait for its delivery.
Leaves out: the run itself (`worker`), delivery (`courier`), jobs that are handed out (`intake`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

import msgspec

from handler import seeds
from handler.codes import Code
from handler.errors import JobError
from handler.posted import code_of, posted
from handler.threads import in_thread
from handler.worker import Life

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handler.courier import Courier, Delivery
    from handler.intake import Intake
    from handler.journal import Journal
    from handler.progress import Reading
    from handler.worker import Worker
    from podkeeper.model.journal import Entry

log = logging.getLogger("handler")

#: What the SDK gets: it posts that to the relay, which knows better.
_RETURNED: dict[str, Any] = {"result": "delivered from the journal"}


class JournalledLife(Life):
    """One attempt, as the journal sees it."""

    def __init__(self, journal: Journal, entry: Entry) -> None:
        self._journal = journal
        self._name = entry.id
        self.deaths = entry.webui_deaths
        self.draw = seeds.following(entry.seed)

    def at(self, webui: str | None, deaths: int) -> None:
        """Note where it is, and how many WebUIs have died under it."""
        self._journal.note(self._name, webui=webui, webui_deaths=deaths)

    def tell(self, reading: Reading) -> None:
        """Note what it is doing."""
        self._journal.note(self._name, phase=reading.phase.name)


class Durable:
    """Runs the jobs of the journal; stands in the place of the worker's own handler function."""

    def __init__(
        self, worker: Worker, journal: Journal, intake: Intake, courier: Courier, hold_s: float
    ) -> None:
        """Take note of who does what.

        Args:
            worker: Runs a job.
            journal: Keeps what becomes of it.
            intake: Is told who is at work on what.
            courier: Delivers results.
            hold_s: How long a result that is not delivered holds its job's place.
        """
        self._worker = worker
        self._journal = journal
        self._intake = intake
        self._courier = courier
        self._hold_s = hold_s

    async def handle(self, job: dict[str, Any]) -> dict[str, Any]:
        """Bring a job to its end, and return what the SDK may post.

        Raises:
            asyncio.CancelledError: The platform wants no result.
        """
        name = str(job["id"])
        entry = self._journal.begin(name)
        if entry is None:
            log.info("job %s is not wanted any more", name)
            raise asyncio.CancelledError
        self._intake.begun(name)
        try:
            made = await self._worker.handle(job, JournalledLife(self._journal, entry))
            await in_thread(self._keep, name, made)
            await self._held(self._courier.send(name))
        finally:
            # A cancellation that is no stop of the platform's leaves a job that is still wanted.
            self._journal.put_back(name)
            self._intake.ended(name)
        return dict(_RETURNED)

    def _keep(self, name: str, made: Mapping[str, Any]) -> None:
        try:
            result, code = posted(made), code_of(made)
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            text = f"the result cannot be sent as JSON ({type(error).__name__})"
            failed = JobError(Code.INTERNAL, text)
            result, code = posted(failed.as_result()), str(failed.code)
        self._journal.finish(name, result, code)

    async def _held(self, delivery: Delivery) -> None:
        """Hold the job's place until its result is delivered, or until that takes too long.

        A result that is in memory alone holds it to the end: there must not be many.
        """
        while not await in_thread(delivery.settled.wait, self._hold_s):
            if not self._journal.in_memory(delivery.name):
                log.warning("job %s: its result is delivered beside other jobs", delivery.name)
                return

    def posted(self, name: str, body: bytes) -> None:
        """Take what the SDK has posted as a job's result.

        It is a result only where the job has none: then the SDK made it itself.
        """
        if self._journal.finish(name, body, str(Code.INTERNAL)):
            log.error("job %s: the SDK has ended it by itself", name)
            self._courier.send(name)

    async def run_left(self) -> None:
        """Run what nobody has begun: granted or found while the worker was leaving."""
        jobs = await self._intake.offers(len(self._journal.accepted()), sdk_has_left=True)
        await asyncio.gather(*(self._run_left(msgspec.json.decode(job)) for job in jobs))

    async def _run_left(self, job: dict[str, Any]) -> None:
        log.info("job %s was granted while the worker was leaving: running it", job["id"])
        with contextlib.suppress(asyncio.CancelledError):
            await self.handle(job)
