"""What the tests of the journal's parts share: a journal with a clock, and a platform's word."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from handler.courier import Courier, Terms
from handler.journal import Journal
from handler.poster import Answer
from podkeeper.model.moment import Moment
from podkeeper.policy.backoff import Backoff
from podkeeper.policy.journal import Rules
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 60.0
CHOSEN = replace(load(Source()).settings.journal, busy_timeout_s=30.0)
RULES = Rules(attempts=2, take_up_s=300.0, job_timeout_s=600.0, result_keep_s=3600.0)
#: Next to no wait, so that only what wakes a delivery is tested where that is the point.
QUICK = Backoff(first_s=0.001, factor=1.0, max_s=0.001, jitter_ratio=0.0)


class Clock:
    """Moments that are stepped."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> Moment:
        """Return the moment."""
        return Moment(wall_s=self.s, boot_s=self.s, boot="boot")


def journal_in(
    folder: Path, clock: Clock | None = None, pod: str = "pod", **chosen: Any
) -> Journal:
    """Return the journal in a folder, as a new handler opens it."""
    path = folder / "journal.sqlite3"
    return Journal(path, replace(CHOSEN, **chosen), RULES, pod, clock or Clock())


def job(name: str) -> bytes:
    """Return a job as the platform grants it."""
    return b'{"id":"%s","input":{"prompt":"x"}}' % name.encode()


class Platform:
    """Answers deliveries from a script, then with 200; a shut `gate` holds each one up."""

    def __init__(self, *script: int | None) -> None:
        self.script = list(script)
        self.got: list[tuple[str, bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.asked = threading.Event()

    def deliver(self, name: str, result: Path | bytes) -> Answer:
        """Take a result."""
        body = result if isinstance(result, bytes) else result.read_bytes()
        self.asked.set()
        self.gate.wait(PATIENCE_S)
        self.got.append((name, body))
        status = self.script.pop(0) if self.script else 200
        return Answer(status, "refused" if status is None else str(status))


def courier_of(journal: Journal, platform: Platform, backoff: Backoff = QUICK) -> Courier:
    """Return what delivers a journal's results to a platform."""
    return Courier(journal, platform.deliver, Terms(backoff, at_once=2))


async def until(condition: Callable[[], Any]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in threads
            await asyncio.sleep(0.002)
