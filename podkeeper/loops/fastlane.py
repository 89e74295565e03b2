"""Has anything crossed a hard line since the last snapshot?

Covers: between two snapshots, the few readings that tell, each taken as often as its headroom asks
for: what is far from its limit cannot reach it before the next snapshot and is not looked at. A
crossing is answered by a snapshot out of turn, whose readings are exact.
Leaves out: programs that cannot grow fast or far (all but the WebUIs); the container's own memory
bounds them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
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

#: No two readings are closer together.
_SHORTEST_S = 0.001


@dataclass
class _Aim:
    """One signal that is looked at."""

    pressure: Pressure
    #: Reads what is used now, in bytes; None where that cannot be had.
    used: Callable[[], float | None]
    capacity_bytes: float
    #: The headroom below which pressure rises.
    line_bytes: float
    left_bytes: float
    #: When that was read.
    at_s: float
    #: How fast it went between the last two looks.
    rate_bytes_per_s: float = 0.0

    def look(self, now_s: float) -> None:
        """Read it anew; what cannot be read stays as it was."""
        used_bytes = self.used()
        if used_bytes is not None:
            gone_bytes = self.left_bytes - (self.capacity_bytes - used_bytes)
            self.rate_bytes_per_s = gone_bytes / max(now_s - self.at_s, _SHORTEST_S)
            self.left_bytes -= gone_bytes
        self.at_s = now_s

    @property
    def crossed(self) -> bool:
        """Return whether less is left than its line asks for."""
        return self.left_bytes < self.line_bytes

    def crossed_at_s(self, rate_bytes_per_s: float) -> float:
        """Return when its line is crossed at a rate."""
        return self.at_s + pace.reach_s(self.left_bytes - self.line_bytes, rate_bytes_per_s)


def _key(reading: SignalReading) -> tuple[str, str, int]:
    return reading.kind, reading.subject, reading.pid


def _line(reading: SignalReading, pressure: Pressure) -> float | None:
    """Return the headroom below which pressure rises; None where it cannot rise at once."""
    if pressure < Pressure.HARD:
        return reading.hard
    return reading.critical if pressure < Pressure.CRITICAL else None


class FastLane:
    """The looks between two snapshots."""

    def __init__(
        self,
        rates: Rates,
        watched: Collection[str],
        working_set: Callable[[], int | None],
        root: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = rates
        self._watched = watched
        self._working_set = working_set
        self._root = root
        self._clock = clock
        self._aims: dict[tuple[str, str, int], _Aim] = {}
        #: Whether the last snapshot after a crossing showed it too: the fast readings may be off.
        self.trusted = True
        self._spent_s = 0.0
        self._looked_s, self._used_s = clock(), time.thread_time()

    def aim(
        self, signals: Iterable[SignalReading], pids: Mapping[str, Collection[int]], at_s: float
    ) -> None:
        """Take the newest snapshot's signals, the processes of each program, and its instant."""
        before = self._aims
        found = {_key(each): self._aim(each, pids, at_s) for each in signals}
        self._aims = {key: aim for key, aim in found.items() if aim is not None}
        again = [(each, before[key]) for key, each in self._aims.items() if key in before]
        for each, known in again:
            each.rate_bytes_per_s = known.rate_bytes_per_s
        self.trusted = all(each.pressure > known.pressure for each, known in again if known.crossed)
        # What the snapshot has cost is not the looks'.
        self._used_s = time.thread_time()

    def _aim(
        self, reading: SignalReading, pids: Mapping[str, Collection[int]], at_s: float
    ) -> _Aim | None:
        pressure, left, size = of_word(reading.pressure), reading.headroom, reading.capacity
        line = _line(reading, pressure)
        if left is None or size is None or line is None:
            return None
        if reading.kind == Kind.MEMORY:
            return _Aim(pressure, self._working_set, size, line, left, at_s)
        if reading.kind == Kind.PROGRAM_MEMORY and reading.subject in self._watched:
            used = self._reader(tuple(pids.get(reading.subject, ())), size - left)
            return _Aim(pressure, used, size, line, left, at_s)
        return None

    def _reader(self, pids: Collection[int], held_bytes: float) -> Callable[[], float | None]:
        """Return what reads a program's memory; what has no fast reading counts as it was."""
        fast_bytes = self._anonymous(pids)
        more_bytes = 0 if fast_bytes is None else max(0, held_bytes - fast_bytes)

        def used() -> float | None:
            now_bytes = self._anonymous(pids)
            return None if now_bytes is None else now_bytes + more_bytes

        return used

    def _anonymous(self, pids: Collection[int]) -> int | None:
        found = [process.anonymous_fast(pid, self._root) for pid in pids]
        known = [each for each in found if each is not None]
        return sum(known) if known else None

    def pause_s(self) -> float | None:
        """Return how long to wait for the next look; None where there is nothing to look at."""
        if not self._aims:
            return None
        aims, now_s = self._aims.values(), self._clock()
        fastest = self._rates.fill_bytes_per_s
        soonest_s = min(each.crossed_at_s(fastest) for each in aims) - now_s
        expected_s = min(each.crossed_at_s(each.rate_bytes_per_s) for each in aims) - now_s
        return pace.pause_s(soonest_s, expected_s, self._spent_s, self._rates)

    def crossed(self) -> bool:
        """Look at what may have crossed its line, and return whether it has.

        What could cross it before the next look is looked at now.
        """
        now_s = self._clock()
        until_s, fastest = now_s + self._rates.shortest_s, self._rates.fill_bytes_per_s
        for each in self._aims.values():
            if each.crossed_at_s(fastest) <= until_s:
                each.look(now_s)
        self._account(now_s)
        return any(each.crossed for each in self._aims.values())

    def _account(self, now_s: float) -> None:
        """Add what this look and the wait before it have cost."""
        used_s = time.thread_time()
        cost_s, elapsed_s = used_s - self._used_s, now_s - self._looked_s
        self._spent_s = pace.spent_s(self._spent_s, cost_s, elapsed_s, self._rates)
        self._looked_s, self._used_s = now_s, used_s
