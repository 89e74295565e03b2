"""What stands between the SDK and the worker so that no granted job is lost?

Covers: putting journal, delivery, intake and relay together; their start in the SDK's event loop,
and what is still to be done once the SDK has left.
Leaves out: what each of them does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from handler import courier, intake, relay
from handler.courier import Courier
from handler.durable import Durable
from handler.intake import Intake
from handler.names import Names
from handler.relay import Relay
from handler.threads import in_thread
from handler.upstream import Upstream, Waits
from podkeeper.policy.backoff import Backoff

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from handler.door import Door
    from handler.journal import Journal
    from handler.poster import Poster
    from handler.worker import Worker
    from podkeeper.settings.journal import JournalSettings

log = logging.getLogger("handler")


def _backoff(chosen: JournalSettings) -> Backoff:
    return Backoff(
        first_s=chosen.backoff_first_s,
        factor=chosen.backoff_factor,
        max_s=chosen.backoff_max_s,
        jitter_ratio=chosen.jitter_ratio,
    )


@dataclass(frozen=True)
class Parts:
    """What it is put together from."""

    journal: Journal
    worker: Worker
    poster: Poster
    door: Door
    #: The ids of the jobs that the SDK has.
    in_progress: Callable[[], Collection[str]]


class Durability:
    """All of it, for one worker."""

    def __init__(self, parts: Parts, chosen: JournalSettings) -> None:
        """Put it together; nothing is on its way yet."""
        self._chosen = chosen
        self._journal = journal = parts.journal
        backoff = _backoff(chosen)
        terms = courier.Terms(backoff, chosen.deliveries)
        self._courier = Courier(journal, parts.poster.deliver, terms)
        self._intake = Intake(journal, self._courier, parts.in_progress)
        self._durable = Durable(parts.worker, journal, self._intake, self._courier, chosen.hold_s)
        waits = Waits(
            chosen.poll_s, chosen.poll_pause_s, replace(backoff, max_s=chosen.poll_backoff_max_s)
        )
        door, heard = parts.door, self._courier.wake
        self._relay = Relay(
            door,
            self._intake,
            Upstream("jobs", door.base, intake.read, waits, heard),
            Upstream("jobs to stop", door.base, relay.stops, waits, heard),
            self._durable.posted,
        )
        self.handle = self._durable.handle
        #: What the heartbeat names beside the SDK's own jobs.
        self.names = Names(journal.open_names)
        journal.on_change = self.names.refresh
        self._over = threading.Event()

    async def attend(self) -> None:
        """Serve the SDK in its own event loop, until that ends."""
        threading.Thread(target=self._beat, name="journal", daemon=True).start()
        runner = await self._relay.start()
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    def _beat(self) -> None:
        while True:
            self._intake.settle()
            if self._over.wait(self._chosen.beat_s):
                return
            self._journal.beat()

    async def leave(self) -> None:
        """Do what is left once the SDK takes no more jobs: run what it dropped, deliver."""
        await self._durable.run_left()
        if not await in_thread(self._courier.drained, self._chosen.leave_s):
            names = ", ".join(self._journal.undelivered())
            log.error(
                "leaving with results that are not delivered, for the next handler: %s", names
            )
        self._over.set()
        self._journal.end()
