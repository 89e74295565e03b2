"""How do requests wait for one another, and how is every change kept before anyone hears of it?

Covers: the one door to the state (`do`), held requests (`held`), the passing of time, what is
logged.
Leaves out: HTTP (`edge`, `*_routes`), what changes mean (`book`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from podkeeper.sim.platform import due, webhooks, wire
from podkeeper.sim.platform.faults import Script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from podkeeper.settings.platform import PlatformSettings
    from podkeeper.sim.platform.book import Book
    from podkeeper.sim.platform.faults import Fault
    from podkeeper.sim.platform.job import Job
    from podkeeper.sim.platform.store import Store

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

T = TypeVar("T")
log = logging.getLogger("platform")
#: Too many to be worth a line each.
_QUIET = {"progress", "stream"}


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Hub:
    """The running platform, HTTP aside."""

    def __init__(
        self,
        settings: PlatformSettings,
        store: Store,
        *,
        key: str | None = None,
        faults: list[Fault] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.store = store
        self.key = key
        self.script = Script(faults or ())
        #: Jobs to be handed out a second time, by the duplicate_delivery fault.
        self.again: list[str] = []
        self.clock = clock
        self.closing = False
        self.book: Book = store.load(settings)
        self.book.woken(clock())
        self._told = {job.id: len(job.events) for job in self.book.jobs.values()}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, step: Callable[[Book, float], T], new_input: tuple[str, bytes] | None = None) -> T:
        """Change the state by `step(book, now_s)` and return its result once all of it is kept.

        Raises:
            sqlite3.Error: It could not be kept, and so it has not happened.
        """
        result = step(self.book, self.clock())
        jobs, _ = self.book.changed()
        try:
            self.store.save(self.book, new_input)
        except sqlite3.Error:
            self.book = self.store.load(self.settings)
            raise
        for job_id, job in jobs.items():
            self._tell(job_id, job)
        if jobs:
            self.wake()
        return result

    def _tell(self, job_id: str, job: Job | None) -> None:
        if job is None:
            self._told.pop(job_id, None)
            return
        for event in job.events[self._told.get(job_id, 0) :]:
            level = logging.DEBUG if event.kind in _QUIET else logging.INFO
            who = f" ({event.pod})" if event.pod else ""
            log.log(level, "job %s: %s%s %s", job_id, event.kind, who, event.detail or "")
            if job.terminal and event.kind in {"done", "cancelled", "timed_out", "gave_up"}:
                self._call_webhook(job)
        self._told[job_id] = len(job.events)

    def _call_webhook(self, job: Job) -> None:
        if job.terms.webhook is not None:
            body = msgspec.json.encode(wire.status_of(job))
            call = webhooks.deliver(job.terms.webhook, job.id, body, self.settings)
            task = asyncio.ensure_future(call)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def wake(self) -> None:
        """Let every held request look again."""
        past, self._changed = self._changed, asyncio.Event()
        past.set()

    def close(self) -> None:
        """End every held request with what there is."""
        self.closing = True
        self.wake()

    async def held(
        self,
        receive: Receive,
        attempt: Callable[[], T | None],
        hold_s: float,
        patient: Callable[[], bool] = lambda: False,
    ) -> T | None:
        """Return what `attempt` gives as soon as that is something.

        None after `hold_s` (or later, while `patient` says so), when the other side has gone, and
        when the platform closes. Whoever has gone is never given anything.
        """
        clock = asyncio.get_running_loop().time
        gone = asyncio.create_task(_disconnected(receive))
        deadline_s = clock() + hold_s
        try:
            await asyncio.sleep(0)  # lets `gone` see a side that has left already
            while not (gone.done() or self.closing):
                found = attempt()
                if found is not None:
                    return found
                if clock() >= deadline_s and not patient():
                    return None
                await self._change_or(gone, max(deadline_s - clock(), self.settings.tick_s))
            return None
        finally:
            gone.cancel()

    async def _change_or(self, gone: asyncio.Task[None], timeout_s: float) -> None:
        changed = asyncio.create_task(self._changed.wait())
        either: set[asyncio.Task[Any]] = {changed, gone}
        try:
            await asyncio.wait(either, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()

    async def keep_time(self) -> None:
        """Do what is due, for ever."""
        while True:
            await asyncio.sleep(self.settings.tick_s)
            try:
                self.do(due.tick)
            except sqlite3.Error as error:
                # A full disk must not stop the clock: what is due stays due.
                log.error("cannot keep the state in %s: %s", self.store.path, error)  # noqa: TRY400 - one line each tick
            if any(fault.kind == "late_grant" for fault in self.script.faults):
                self.wake()

    async def end(self) -> None:
        """Drop what still runs in the background and let go of the state file."""
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self.store.close()
