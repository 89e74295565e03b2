"""How does a result reach the platform, however long that takes?

Covers: a thread for each result that waits, which tries until the platform has it, wants it no
more, or it has expired; waits in between that end when the platform is heard of again; a result
that is too large, answered with an error in its place.
Leaves out: the request itself (`poster`), what an answer means (`podkeeper.policy.delivery`), where
results lie (`journal`). Threads, because they outlive the SDK's event loop.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handler.codes import Code
from handler.errors import JobError
from handler.posted import posted
from podkeeper.model.journal import State
from podkeeper.policy.delivery import Verdict, judge, pause_s

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from handler.journal import Journal
    from handler.poster import Answer
    from podkeeper.model.journal import Entry
    from podkeeper.policy.backoff import Backoff

log = logging.getLogger("handler")


@dataclass(frozen=True)
class Terms:
    """How results are delivered."""

    backoff: Backoff
    at_once: int


@dataclass(frozen=True)
class Delivery:
    """One result on its way."""

    name: str
    #: Set when there is a reason to try again now.
    wake: threading.Event = field(default_factory=threading.Event)
    #: Set when the platform has the result, or never will.
    settled: threading.Event = field(default_factory=threading.Event)


class Courier:
    """Delivers the journal's results."""

    def __init__(
        self,
        journal: Journal,
        deliver: Callable[[str, Path | bytes], Answer],
        terms: Terms,
    ) -> None:
        """Take note of how to do it.

        Args:
            journal: Where the results are.
            deliver: Sends one result once.
            terms: Waits and bounds.
        """
        self._journal = journal
        self._deliver = deliver
        self._terms = terms
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(terms.at_once)
        self._out: dict[str, Delivery] = {}

    def send(self, name: str) -> Delivery:
        """Deliver a result of the journal from now on; one that is on its way is tried at once."""
        with self._lock:
            known = self._out.get(name)
            if known is not None:
                known.wake.set()
                return known
            delivery = self._out[name] = Delivery(name)
            thread = threading.Thread(
                target=self._run, args=(delivery,), name="delivery", daemon=True
            )
            thread.start()
            return delivery

    def names(self) -> list[str]:
        """Return whose results are on their way."""
        with self._lock:
            return list(self._out)

    def wake(self) -> None:
        """Try all again now: the platform has been heard of."""
        with self._lock:
            for delivery in self._out.values():
                delivery.wake.set()

    def drained(self, wait_s: float) -> bool:
        """Return whether nothing is on its way any more, waiting so long for that."""
        deadline_s = time.monotonic() + wait_s
        while True:
            with self._lock:
                first = next(iter(self._out.values()), None)
            if first is None:
                return True
            if not first.settled.wait(max(0.0, deadline_s - time.monotonic())):
                return False

    def _run(self, delivery: Delivery) -> None:
        while True:
            failures = 0
            while (entry := self._waiting(delivery.name)) is not None:
                failures += 1
                try:
                    self._once(entry, delivery, failures)
                except Exception:  # an error of ours must not lose a result
                    log.exception("job %s: cannot deliver its result", delivery.name)
                    delivery.wake.wait(self._terms.backoff.max_s)
            with self._lock:
                # It may have been asked for again in this very moment.
                if self._waiting(delivery.name) is None:
                    del self._out[delivery.name]
                    break
        delivery.settled.set()

    def _waiting(self, name: str) -> Entry | None:
        """Return the entry of a result that is to be delivered, or None."""
        entry = self._journal.get(name)
        return entry if entry is not None and entry.state is State.FINISHED else None

    def _once(self, entry: Entry, delivery: Delivery, failures: int) -> None:
        """Try once, and wait where that calls for it."""
        name = entry.id
        if self._journal.is_stale(entry):
            log.error("job %s: its result has expired after %d tries", name, entry.tries)
            self._journal.close(name, State.EXPIRED, f"not delivered in time: {entry.note}")
            return
        delivery.wake.clear()
        result = self._journal.result(name)
        if result is None:
            self._replace(entry, JobError(Code.INTERNAL, "the result was lost on this worker"))
            return
        with self._slots:
            answer = self._deliver(name, result)
        verdict = judge(answer.status, failed=entry.code is not None)
        if verdict is Verdict.LATER:
            self._later(entry, delivery, answer, failures)
        else:
            self._end(entry, answer, verdict)

    def _later(self, entry: Entry, delivery: Delivery, answer: Answer, failures: int) -> None:
        if answer.note != entry.note:
            log.warning("job %s: its result was not taken (%s); trying on", entry.id, answer.note)
        self._journal.tried(entry.id, answer.note)
        luck = random.random()  # noqa: S311 - it spreads tries, it guards nothing
        wait_s = pause_s(self._terms.backoff, failures, luck, answer.retry_after_s)
        delivery.wake.wait(wait_s)

    def _end(self, entry: Entry, answer: Answer, verdict: Verdict) -> None:
        name = entry.id
        if verdict is Verdict.ACCEPTED:
            if self._journal.delivered(name, entry.grants) and entry.tries:
                log.info("job %s: its result is delivered after %d tries", name, entry.tries + 1)
            self.wake()
        elif verdict is Verdict.TOO_LARGE:
            self._replace(entry, _too_large(entry.result_bytes, answer))
        else:
            log.error("job %s: the platform does not want its result (%s)", name, answer.note)
            self._journal.close(name, State.EXPIRED, f"not wanted: {answer.note}")

    def _replace(self, entry: Entry, error: JobError) -> None:
        log.error("job %s: %s", entry.id, error)
        self._journal.replace_result(entry.id, posted(error.as_result()), str(error.code))


def _too_large(size_bytes: int | None, answer: Answer) -> JobError:
    size = "an unknown number of" if size_bytes is None else size_bytes
    text = (
        f"the platform answered {answer.note} to the result of {size} bytes: "
        "ask for fewer or smaller images"
    )
    return JobError(Code.OUTPUT_TOO_LARGE, text, size_bytes=size_bytes)
