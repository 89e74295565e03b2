"""Who may know which jobs are in hand?

Covers: the file in the runtime folder, written anew at every change, and every so often while there
are jobs: a handler at work that writes no more is stuck. A file that cannot be written costs
knowledge, never a job.
Leaves out: what is read from it (the keeper; `podkeeper.model.work` says what stands there).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from podkeeper import atomic
from podkeeper.model import work
from podkeeper.model.work import JobInHand, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from handler.progress import Reading

log = logging.getLogger("handler")

_WAITING, _DELIVERING = "waiting", "delivering"
#: The SDK does not say when a result is delivered; it is looked up this often.
_LOOK_S = 0.1


class WorkFile:
    """The jobs in hand, in memory and in the file."""

    def __init__(
        self,
        path: Path,
        run_id: str,
        period_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._run_id = run_id
        self._period_s = period_s
        self._clock = clock
        self._jobs: dict[str, JobInHand] = {}
        self._last_at_s: dict[str, float] = {}
        self._writable = True
        #: Says why a kill would cost a job now, if it would.
        self.fault: Callable[[], str] = str
        self._beat: asyncio.Task[None] | None = None

    def write(self) -> None:
        """Write what is in hand now; a folder that takes no file is said once."""
        now_s, jobs = self._clock(), list(self._jobs.values())
        self._last_at_s |= {job.webui: now_s for job in jobs if job.webui is not None}
        known = Work(
            run_id=self._run_id,
            handler_pid=os.getpid(),
            written_monotonic_s=now_s,
            jobs=jobs,
            fault=self.fault(),
            last_at_s=self._last_at_s,
        )
        try:
            atomic.write(self._path, work.dump(known))
        except OSError as error:
            if self._writable:
                log.error("cannot write which jobs are in hand: %s", error)  # noqa: TRY400 - one line
            self._writable = False
            return
        self._writable = True

    def clear(self) -> None:
        """Write that nothing is in hand."""
        self._jobs.clear()
        self.write()

    def grant(self, name: str) -> InHand:
        """Take a job into the file and return what follows it. Needs a running event loop."""
        now_s = self._clock()
        self._jobs[name] = JobInHand(
            id=name,
            granted_monotonic_s=now_s,
            phase=_WAITING,
            progress_ratio=None,
            webui=None,
            moved_monotonic_s=now_s,
        )
        self.write()
        if self._beat is None or self._beat.done():
            self._beat = asyncio.get_running_loop().create_task(self._beats())
        return InHand(self, name)

    async def _beats(self) -> None:
        while self._jobs:
            await asyncio.sleep(self._period_s)
            self.write()

    def change(self, name: str, *, webui: str | None, phase: str, ratio: float | None) -> None:
        """Write that a job has moved, where it has."""
        before = self._jobs.get(name)
        if before is None:
            return
        after = replace(before, webui=webui, phase=phase, progress_ratio=ratio)
        if after != before:
            self._jobs[name] = replace(after, moved_monotonic_s=self._clock())
            self.write()

    def drop(self, name: str) -> None:
        """Take a job out of the file."""
        if self._jobs.pop(name, None) is not None:
            self.write()


class InHand:
    """One job in the file."""

    def __init__(self, file: WorkFile, name: str) -> None:
        self._file = file
        self._name = name
        self._webui: str | None = None
        self._phase = _WAITING
        self._ratio: float | None = None
        self._delivery: asyncio.Task[None] | None = None

    def _changed(self) -> None:
        self._file.change(self._name, webui=self._webui, phase=self._phase, ratio=self._ratio)

    def at(self, webui: str | None) -> None:
        """Note which WebUI works on it; None: it waits for one, or needs none any more."""
        self._webui = webui
        self._changed()

    def tell(self, reading: Reading) -> None:
        """Note how far it is."""
        self._phase, self._ratio = reading.phase.name, reading.progress
        self._changed()

    def deliver(self, in_progress: Callable[[], Collection[str]]) -> None:
        """Note that its result is on its way, and take it out once it is with the platform.

        Args:
            in_progress: The ids of the jobs whose results are not delivered.
        """
        self._webui, self._phase = None, _DELIVERING
        self._changed()
        self._delivery = asyncio.get_running_loop().create_task(self._delivered(in_progress))

    async def _delivered(self, in_progress: Callable[[], Collection[str]]) -> None:
        while self._name in in_progress():  # noqa: ASYNC110 - the SDK has no event for it
            await asyncio.sleep(_LOOK_S)
        self._file.drop(self._name)
