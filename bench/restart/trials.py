"""How is one death timed?

The killer reads CLOCK_MONOTONIC before it kills; the new process reads it as its first act. A round
kills the program of every supervisor and form once, in random order, each from 0 to 200 ms after
the last, so that no periodic look is met always at the same phase.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.common.running import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from bench.restart.peers.base import Peer

#: A program has run long enough for every supervisor to call it started.
_SETTLED_NS = 2_500_000_000
_NS_PER_MS = 1_000_000
#: The next is not killed before this one is back, unless it takes longer.
_PATIENCE_S = 0.3
_RANDOM_PAUSE_S = 0.2
_LONGEST_S = 60.0


@dataclass
class Subject:
    """The program of one supervisor in one form."""

    peer: Peer
    form: str
    took_ms: list[float] = field(default_factory=list)
    #: Whether it did not come back; then it is killed no more.
    lost: bool = False
    _killed_ns: int = 0
    _starts_before: int = 0

    @property
    def path(self) -> Path:
        """Return the file that its starts are in."""
        return self.peer.starts_path(self.form)

    def starts(self) -> list[tuple[int, int]]:
        """Return pid and instant of every start so far."""
        with suppress(FileNotFoundError):
            lines = self.path.read_text().splitlines(keepends=True)
            whole = [line.split() for line in lines if line.endswith("\n")]
            return [(int(pid), int(at_ns)) for pid, at_ns in whole]
        return []

    def kill(self) -> None:
        """Kill the newest life, once it has run for long enough."""
        starts = self.starts()
        pid, born_ns = starts[-1]
        time.sleep(max(0, born_ns + _SETTLED_NS - time.monotonic_ns()) / 1e9)
        self._starts_before = len(starts)
        self._killed_ns = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)

    def is_back(self) -> bool:
        """Return whether it has started again since it was killed."""
        return len(self.starts()) > self._starts_before

    def note(self) -> None:
        """Wait until it is back and keep how long that took."""
        try:
            wait_for(self.is_back, self.form, _LONGEST_S)
        except TimeoutError:
            self.lost = True
            return
        _, born_ns = self.starts()[self._starts_before]
        self.took_ms.append((born_ns - self._killed_ns) / _NS_PER_MS)


def round_of(subjects: list[Subject]) -> None:
    """Kill each subject's program once and note how long each was gone."""
    left = [subject for subject in subjects if not subject.lost]
    order = random.sample(left, len(left))
    for subject in order:
        time.sleep(random.uniform(0, _RANDOM_PAUSE_S))  # noqa: S311 - a phase, no secret
        subject.kill()
        with suppress(TimeoutError):
            wait_for(subject.is_back, "a fast supervisor", _PATIENCE_S)
    for subject in order:
        subject.note()
