"""Which jobs has this worker to bring to an end, also after a kill?

Covers: the jobs in memory, each change brought into the file and each result into the spool. What
cannot be written is said once and goes on in memory: a full disk costs durability, never a job. It
is tried again with every change.
Leaves out: the file (`podkeeper.recorders.journal`), the spool (`spool`), which state follows which
(`podkeeper.policy.journal`). Used from several threads.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from handler.spool import SpoolError
from handler.upkeep import Upkeep
from podkeeper.model.journal import Entry, State
from podkeeper.policy import journal as policy
from podkeeper.policy.journal import Duty, Grant

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.model.moment import Moment

log = logging.getLogger("handler")

#: Room for more seeds than any job draws.
_SEED_BITS = 63


class Journal(Upkeep):
    """The jobs of one worker."""

    def grant(self, name: str, job: bytes) -> Grant:
        """Take note of a job that the platform has granted, as JSON, and return what it asks for.

        It is in the journal when this returns.
        """
        with self._lock:
            now, known = self._now(), self._entries.get(name)
            entry, grant = (
                (self._new(name, now), Grant.RUN) if known is None else self._again(known, now)
            )
            if grant in (Grant.RUN, Grant.FAIL):
                self._jobs[name] = job
            if grant is Grant.FAIL:
                self.failing[name] = Duty.FAIL_POISON
            self._put(entry)
            return grant

    def _new(self, name: str, now: Moment) -> Entry:
        return Entry(
            id=name,
            pod=self._pod,
            state=State.ACCEPTED,
            seed=secrets.randbits(_SEED_BITS),
            granted=now,
            changed=now,
        )

    def _again(self, known: Entry, now: Moment) -> tuple[Entry, Grant]:
        there, attempts = self.spool is not None and self.spool.has_answer(known.id), self._attempts
        entry, grant = policy.granted_again(known, self._pod, now, attempts, answered=there)
        if known.state is State.DELIVERED and grant is Grant.ANSWER and self.spool is not None:
            try:
                self.spool.again(known.id)
            except OSError:
                return policy.granted_again(known, self._pod, now, attempts, answered=False)
        return entry, grant

    def begin(self, name: str) -> Entry | None:
        """Return the entry of a job on which work begins; None where nobody wants it any more."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not State.ACCEPTED:
                return None
            return self._put(policy.begun(entry, self._now()))

    def note(self, name: str, **changes: Any) -> None:
        """Take note of what has become of a job that is being worked on."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not State.RUNNING:
                return
            after = replace(entry, **changes)
            if after != entry:
                self._put(replace(after, changed=self._now()))

    def put_back(self, name: str) -> None:
        """Take note that work on a job has ended without a result, if it is still wanted."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None and entry.state is State.RUNNING:
                self._put(policy.moved(entry, State.ACCEPTED, self._now(), webui=None))

    def finish(self, name: str, result: bytes, code: str | None) -> bool:
        """Keep a job's result; return False where nobody wants it any more.

        It is in the spool when this returns, or in memory where that takes nothing more.
        """
        if not self._is_wanted(name):
            return False
        spooled = self._spooled(name, result)
        with self._lock:
            if not self._is_wanted(name):  # it was stopped meanwhile
                self._forget_result(name)
                return False
            if not spooled:
                self._results[name] = result
            entry = self._entries[name]
            self._put(policy.finished(entry, self._now(), code, len(result)))
            return True

    def _is_wanted(self, name: str) -> bool:
        """Return whether a job is to have a result and has none."""
        entry = self._entries.get(name)
        return entry is not None and entry.state in (State.RUNNING, State.ACCEPTED)

    def replace_result(self, name: str, result: bytes, code: str) -> None:
        """Put another result in the place of one that the platform does not take."""
        spooled = self._spooled(name, result)
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not State.FINISHED:
                self._forget_result(name)
                return
            self._results.pop(name, None)
            if not spooled:
                self._results[name] = result
            self._put(replace(entry, code=code, result_bytes=len(result), changed=self._now()))

    def _spooled(self, name: str, result: bytes) -> bool:
        try:
            if self.spool is None:
                raise SpoolError("its folder cannot be used")  # noqa: TRY301 - one way out
            self.spool.put(name, result)
        except SpoolError as error:
            self._failed("results", f"cannot keep results in {self._folder}: {error}")
            return False
        self._works("results")
        return True

    def _forget_result(self, name: str) -> None:
        self._results.pop(name, None)
        if self.spool is not None:
            with contextlib.suppress(OSError):
                self.spool.drop(name)

    def result(self, name: str) -> Path | bytes | None:
        """Return a result that waits for delivery; None where it is lost."""
        with self._lock:
            if name in self._results:
                return self._results[name]
            return self.spool.path(name) if self.spool is not None else None

    def in_memory(self, name: str) -> bool:
        """Return whether a result would be lost with this process."""
        return name in self._results

    def tried(self, name: str, note: str) -> None:
        """Take note of a try to deliver that did not succeed."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not State.FINISHED:
                return
            self._put(replace(entry, tries=entry.tries + 1, note=note, changed=self._now()))
        if entry.tries == 0 and self.spool is not None and self.spool.path(name):
            with contextlib.suppress(OSError):
                self.spool.sync(name)

    def delivered(self, name: str, grants: int) -> bool:
        """Take note that the platform has the result, unless it has asked again meanwhile.

        Args:
            name: The job.
            grants: How often it had been granted when the delivery began.
        """
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or entry.state is not State.FINISHED or entry.grants != grants:
                return False
            self._results.pop(name, None)
            tries = entry.tries + 1
            self._put(policy.moved(entry, State.DELIVERED, self._now(), tries=tries, note=""))
            if self.spool is not None:
                with contextlib.suppress(OSError):
                    self.spool.answered(name)
            return True

    def close(self, name: str, state: State, note: str) -> bool:
        """Take note that nobody needs a job any more; return False where it had ended before."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or state not in policy.TRANSITIONS[entry.state]:
                return False
            self._put(policy.moved(entry, state, self._now(), note=note, webui=None))
            self._forget_result(name)
            return True

    def get(self, name: str) -> Entry | None:
        """Return what is known of a job."""
        return self._entries.get(name)

    def is_stale(self, entry: Entry) -> bool:
        """Return whether a result is too old to be of use to anybody."""
        return policy.is_stale(entry, self._now(), self._rules)

    def job(self, name: str) -> bytes | None:
        """Return a job as it was granted, as JSON; None where that is lost."""
        with self._lock:
            return self._jobs.get(name) or self._stored_job(name)

    def accepted(self) -> list[str]:
        """Return the jobs that nobody has begun, in the order of their grants."""
        with self._lock:
            return [each.id for each in self._in(State.ACCEPTED) if each.id not in self.failing]

    def open_names(self) -> list[str]:
        """Return all jobs that are this worker's to bring to an end."""
        with self._lock:
            return [each.id for each in self._entries.values() if each.open]

    def undelivered(self) -> list[str]:
        """Return the jobs whose results wait for delivery."""
        with self._lock:
            return [each.id for each in self._in(State.FINISHED)]

    def _in(self, state: State) -> list[Entry]:
        found = [each for each in self._entries.values() if each.state is state]
        return sorted(found, key=lambda each: each.granted.wall_s)
