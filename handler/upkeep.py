"""How does what is known of jobs get into the journal's file, and out of it again?

Covers: opening it, taking up what a former handler left, writing what has changed, tidying up, and
going on in memory while the disk takes nothing.
Leaves out: what happens to a job (`journal`).
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from typing import TYPE_CHECKING

from handler.spool import Spool
from podkeeper.errors import JournalError
from podkeeper.model.journal import Entry, State
from podkeeper.policy import journal as policy
from podkeeper.policy.journal import Duty, Left
from podkeeper.probes import moment
from podkeeper.recorders.journal import JournalFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from podkeeper.model.moment import Moment
    from podkeeper.policy.journal import Rules
    from podkeeper.settings.journal import JournalSettings

log = logging.getLogger("handler")

_FAILS = (Duty.FAIL_POISON, Duty.FAIL_LATE)


class Upkeep:
    """The jobs in memory, and their way into the file and back."""

    def __init__(
        self,
        path: Path,
        bounds: JournalSettings,
        rules: Rules,
        pod: str,
        now: Callable[[], Moment] = moment.now,
    ) -> None:
        """Take up what a former handler left there.

        Args:
            path: The journal's file; the results lie beside it.
            bounds: How much of what is kept.
            rules: When a job is given up.
            pod: This worker's name on the platform.
            now: Says when it is.
        """
        self._path = path
        self._folder = path.parent
        self._bounds = bounds
        self._rules = rules
        self._attempts = rules.attempts
        self._pod = pod
        self._now = now
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}
        #: Inputs and results that are not on the disk yet.
        self._jobs: dict[str, bytes] = {}
        self._results: dict[str, bytes] = {}
        self._changed: set[str] = set()
        self._dropped: set[str] = set()
        self._faults: dict[str, str] = {}
        #: Jobs that are not begun again, and why: their error is to be made.
        self.failing: dict[str, Duty] = {}
        #: Told whenever the jobs that are to be brought to an end are others.
        self.on_change: Callable[[], None] = lambda: None
        #: Whether a former handler was at work when it ended: its job may still run in a WebUI.
        self.found_running = False
        self.spool = self._opened_spool()
        self._file = self._opened_file()
        self._rescue_results()
        self.beat()

    @property
    def fault(self) -> str:
        """Return why a kill would cost a job now; empty where it would not."""
        return "; ".join(self._faults.values())

    def _failed(self, what: str, why: str) -> None:
        if what not in self._faults:
            log.error("%s; jobs run all the same, but a kill of the handler may cost them", why)
        self._faults[what] = why

    def _works(self, what: str) -> None:
        if self._faults.pop(what, None) is not None:
            log.info("%s are kept again", what)

    # Opening and taking up

    def _opened_spool(self) -> Spool | None:
        bounds = self._bounds
        try:
            return Spool(self._folder, bounds.max_bytes, bounds.answered_max_bytes)
        except OSError as error:
            self._failed("results", f"cannot keep results in {self._folder}: {error}")
            return None

    def _opened_file(self) -> JournalFile | None:
        try:
            file = JournalFile(self._path, busy_timeout_s=self._bounds.busy_timeout_s)
            if file.set_aside is not None:
                log.error("the journal cannot be used; it is set aside as %s", file.set_aside)
            self._take_up(file)
        except JournalError as error:
            self._failed("jobs", str(error))
            return None
        return file

    def _take_up(self, file: JournalFile) -> None:
        now, beat, jobs = self._now(), file.last_beat(), file.job_names()
        silence_s = math.inf if beat is None else beat.age_s(now)
        waiting = set(self.spool.waiting) if self.spool is not None else set()
        for entry in file.entries():
            if entry.id not in self._entries:
                left = Left(
                    result=entry.id in waiting,
                    job=entry.id in jobs,
                    same_pod=entry.pod == self._pod,
                    silence_s=silence_s,
                )
                self._take(entry, left, now)

    def _take(self, entry: Entry, left: Left, now: Moment) -> None:
        taken, duty = policy.taken_up(entry, left, now, self._rules)
        self._entries[entry.id] = taken
        self.found_running = self.found_running or entry.state is State.RUNNING
        if taken is not entry:
            self._changed.add(entry.id)
        if entry.open:
            said = taken.note or duty.value
            log.warning("job %s was left %s by a former handler: %s", entry.id, entry.state, said)
        if duty in _FAILS:
            self.failing[entry.id] = duty
        if left.result and not taken.open and self.spool is not None:
            tidy = self.spool.answered if taken.state is State.DELIVERED else self.spool.drop
            with contextlib.suppress(OSError):
                tidy(entry.id)

    def _rescue_results(self) -> None:
        """Take up results whose entries were lost."""
        now = self._now()
        for name in self.spool.waiting if self.spool is not None else ():
            if name not in self._entries:
                log.warning("job %s: its result is there, its entry is not", name)
                self._entries[name] = Entry(
                    id=name,
                    pod=self._pod,
                    state=State.FINISHED,
                    seed=0,
                    granted=now,
                    changed=now,
                    finished=now,
                )
                self._changed.add(name)

    def _stored_job(self, name: str) -> bytes | None:
        try:
            return self._file.job(name) if self._file is not None else None
        except JournalError:
            return None

    # Writing

    def _put(self, entry: Entry) -> Entry:
        before = self._entries.get(entry.id)
        self._entries[entry.id] = entry
        self._changed.add(entry.id)
        self._dropped.discard(entry.id)
        if not entry.open:
            self._jobs.pop(entry.id, None)
        self._flush()
        if (before is not None and before.open) != entry.open:
            self.on_change()
        return entry

    def _flush(self) -> None:
        """Write what has changed, as far as the disk takes it."""
        if self._file is None:
            self._file = self._opened_file()
        if self._file is None:
            return
        changed = [self._entries[each] for each in self._changed]
        try:
            self._file.save(changed, self._jobs, self._dropped)
        except JournalError as error:
            self._give_up_file(self._file, str(error))
            return
        self._changed.clear()
        self._dropped.clear()
        self._jobs.clear()
        self._works("jobs")

    def _give_up_file(self, file: JournalFile, why: str) -> None:
        """Let go of a file that takes nothing; the next change opens it anew, or another one."""
        self._failed("jobs", why)
        file.close()
        self._file = None
        self._changed.update(self._entries)

    # Tidying

    def beat(self) -> None:
        """Leave a sign of life, and drop what is of no use any more."""
        with self._lock:
            now = self._now()
            if self.spool is None:
                self.spool = self._opened_spool()
            self._expire(now)
            self._forget(now)
            self._flush()
            file = self._file
            if file is None:
                return
            try:
                file.beat(now)
            except JournalError as error:
                self._give_up_file(file, str(error))

    def _expire(self, now: Moment) -> None:
        for entry in list(self._entries.values()):
            if entry.state is State.RELEASED and policy.is_stale(entry, now, self._rules):
                self._entries[entry.id] = policy.expired(entry, now)
                self._changed.add(entry.id)

    def _forget(self, now: Moment) -> None:
        closed = [each for each in self._entries.values() if not each.open]
        closed.sort(key=lambda each: each.changed.wall_s)
        for entry in closed[: -self._bounds.history_jobs]:
            del self._entries[entry.id]
            self._changed.discard(entry.id)
            self._dropped.add(entry.id)
        keep_s = self._bounds.answered_keep_s
        kept = _answers(self._entries.values(), now, keep_s)
        if self.spool is not None:
            with contextlib.suppress(OSError):
                self.spool.forget_answers(kept)

    def end(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def _answers(entries: Iterable[Entry], now: Moment, keep_s: float) -> set[str]:
    """Return the jobs whose delivered results may still be asked for."""
    return {
        each.id
        for each in entries
        if each.state is State.DELIVERED and each.changed.age_s(now) < keep_s
    }
