"""Has anything crossed a hard line since the last snapshot?

Covers: between two snapshots, the few readings that tell, taken as often as the headroom asks for:
what is far from its limit cannot reach it before the next snapshot and is not looked at. A crossing
is answered by a snapshot out of turn, whose readings are exact.
Leaves out: programs that cannot grow fast or far (all but the WebUIs); the container's own memory
bounds them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.policy import pace
from podkeeper.policy.pressure import Pressure, of_word
from podkeeper.policy.signals import Kind
from podkeeper.probes import process

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from podkeeper.model.signal import SignalReading
    from podkeeper.policy.pace import Rates


@dataclass(frozen=True)
class Aim:
    """One signal that is looked at, and the line whose crossing counts."""

    reading: SignalReading
    #: Reads what is used now, in bytes; None where that cannot be had.
    used: Callable[[], int | None]
    left_bytes: float

    @property
    def line_bytes(self) -> float | None:
        """Return the headroom below which pressure rises; None where it cannot rise at once."""
        pressure = of_word(self.reading.pressure)
        if pressure < Pressure.HARD:
            return self.reading.hard
        return self.reading.critical if pressure < Pressure.CRITICAL else None


class FastLane:
    """The looks between two snapshots."""

    def __init__(
        self,
        rates: Rates,
        watched: Collection[str],
        working_set: Callable[[], int | None],
        root: Path,
    ) -> None:
        self._rates = rates
        self._watched = watched
        self._working_set = working_set
        self._root = root
        self._aims: list[Aim] = []
        self._cost_s = 0.0

    def aim(self, signals: Iterable[SignalReading], pids: Mapping[str, Collection[int]]) -> None:
        """Take the newest snapshot's signals and the processes of each program."""
        self._aims = [aim for each in signals if (aim := self._aim(each, pids)) is not None]

    def _aim(self, reading: SignalReading, pids: Mapping[str, Collection[int]]) -> Aim | None:
        if reading.headroom is None or reading.capacity is None:
            return None
        if reading.kind == Kind.MEMORY:
            return Aim(reading, self._working_set, reading.headroom)
        if reading.kind == Kind.PROGRAM_MEMORY and reading.subject in self._watched:
            own = tuple(pids.get(reading.subject, ()))
            return Aim(reading, lambda: self._anonymous(own), reading.headroom)
        return None

    def _anonymous(self, pids: Collection[int]) -> int | None:
        found = [process.anonymous_fast(pid, self._root) for pid in pids]
        known = [each for each in found if each is not None]
        return sum(known) if known else None

    def pause_s(self) -> float | None:
        """Return how long nothing can have been crossed; None where there is nothing to look at."""
        lefts = [
            each.left_bytes - line for each in self._aims if (line := each.line_bytes) is not None
        ]
        return pace.pause_s(lefts, self._rates, self._cost_s)

    def crossed(self) -> bool:
        """Look once; return whether a line is crossed that was not at the snapshot."""
        begun_s = time.thread_time()
        self._aims = [_renewed(each) for each in self._aims]
        self._cost_s = time.thread_time() - begun_s
        return any(
            (line := each.line_bytes) is not None and each.left_bytes < line for each in self._aims
        )


def _renewed(aim: Aim) -> Aim:
    used_bytes = aim.used()
    if used_bytes is None or aim.reading.capacity is None:
        return aim
    return replace(aim, left_bytes=aim.reading.capacity - used_bytes)
