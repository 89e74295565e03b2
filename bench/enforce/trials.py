"""How is one crossing timed?

The program reads CLOCK_MONOTONIC in the instant in which it has touched as much memory as it may;
this process reads it when a pidfd tells that the program is gone, which every way of killing ends
in. Until then the kernel has taken the memory back: the same few milliseconds for all supervisors,
and measured by `floor`.

In a round each supervisor's program is told to cross once, each at a random instant of a window
that is longer than the pause between two looks, so that no periodic look is met always at the same
phase.
"""

from __future__ import annotations

import os
import random
import select
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bench.common.running import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from bench.enforce.peers.base import Peer

#: A program has run long enough for every supervisor to call it started, and to be calm.
_SETTLED_NS = 4_000_000_000
_LONGEST_S = 90.0
NS_PER_MS = 1_000_000


class Trial(NamedTuple):
    """One crossing, on the monotonic clock."""

    pid: int
    crossed_ns: int
    gone_ns: int

    @property
    def took_ms(self) -> float:
        """Return how long the program stayed above its limit."""
        return (self.gone_ns - self.crossed_ns) / NS_PER_MS


def noted(path: Path) -> dict[int, int]:
    """Return what the program has noted in a file: an instant for each of its processes."""
    with suppress(FileNotFoundError):
        lines = path.read_text().splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        return {int(pid): int(at_ns) for pid, at_ns in whole}
    return {}


@dataclass
class Subject:
    """The program of one supervisor."""

    peer: Peer
    trials: list[Trial] = field(default_factory=list)
    #: Why it takes part no longer; empty while it does.
    lost: str = ""

    @property
    def took_ms(self) -> list[float]:
        """Return how long each of its programs stayed above the limit."""
        return [each.took_ms for each in self.trials]

    def settled(self) -> int | None:
        """Return the process that has run for long enough and has not crossed yet, if any."""
        starts = noted(self.peer.folder / "starts")
        if not starts:
            return None
        pid, born_ns = list(starts.items())[-1]
        old = time.monotonic_ns() - born_ns > _SETTLED_NS
        return pid if old and pid not in noted(self.peer.folder / "crossings") else None

    def keep(self, pid: int, gone_ns: int) -> None:
        """Keep a trial whose program is gone."""
        crossed_ns = noted(self.peer.folder / "crossings").get(pid)
        if crossed_ns is None:
            self.lost = "ended before it crossed its limit"
        else:
            self.trials.append(Trial(pid, crossed_ns, gone_ns))


class Round:
    """Every program crosses its limit once."""

    def __init__(self, subjects: list[Subject]) -> None:
        self._poll = select.poll()
        self._watched: dict[int, tuple[Subject, int]] = {}
        begun_s = time.monotonic()
        order = random.sample(subjects, len(subjects))
        #: When each crosses: spread over the window, so that they seldom disturb each other.
        self._due = sorted(
            (
                begun_s + subject.peer.window_s * (place + random.random()) / len(order),  # noqa: S311
                place,
                subject,
            )
            for place, subject in enumerate(order)
        )

    def run(self) -> None:
        """Let all cross, and keep how long each took to be ended."""
        while self._due or self._watched:
            until_s = self._due[0][0] - time.monotonic() if self._due else _LONGEST_S
            found = self._poll.poll(max(0.0, until_s) * 1000)
            gone_ns = time.monotonic_ns()
            for handle, _ in found:
                self._end(handle, gone_ns)
            if not found and not self._due:
                self._give_up()
            while self._due and self._due[0][0] <= time.monotonic():
                self._begin(self._due.pop(0)[2])

    def _begin(self, subject: Subject) -> None:
        pid = subject.settled()
        if pid is None:
            subject.lost = "did not come back"
            return
        handle = os.pidfd_open(pid)
        self._watched[handle] = subject, pid
        self._poll.register(handle, select.POLLIN)
        signal.pidfd_send_signal(handle, signal.SIGUSR1)

    def _end(self, handle: int, gone_ns: int) -> None:
        subject, pid = self._watched.pop(handle)
        self._poll.unregister(handle)
        os.close(handle)
        subject.keep(pid, gone_ns)

    def _give_up(self) -> None:
        for handle, (subject, _) in self._watched.items():
            subject.lost = f"stayed above its limit for {_LONGEST_S:g} s"
            os.close(handle)
        self._watched.clear()


def round_of(subjects: list[Subject]) -> None:
    """Wait until all have settled, and let all cross."""
    left = [subject for subject in subjects if not subject.lost]
    for subject in left:
        with suppress(TimeoutError):
            wait_for(subject.settled, f"{subject.peer.name} to settle")
    Round(left).run()
