"""How near is everything to its limit, and how hard is it squeezed?

Covers: from a snapshot's readings to its signals: headroom, pressure with its memory, the limits of
programs as they are just now, and when nothing will be left.
Leaves out: the lines (`policy.signals`, `policy.shares`), what is done about it (`policy.ladder`).
A watchdog that comes anew takes pressure up where the last snapshot left off; trends begin anew.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import msgspec

from podkeeper.loops.overload import seen_of
from podkeeper.model.signal import SignalReading
from podkeeper.policy import cpu, forecast, pressure, shares, signals
from podkeeper.policy.forecast import Series
from podkeeper.policy.pressure import Pressure, Standing
from podkeeper.policy.shares import Share
from podkeeper.policy.signals import Kind, Shares, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from podkeeper.model.snapshot import ProgramReading, Snapshot
    from podkeeper.policy.pressure import Threshold
    from podkeeper.policy.shares import Limits
    from podkeeper.settings.plan import Plan, Program

#: A signal, and the process it is about: another process starts anew.
_Key = tuple[Signal, int]


def _key(reading: SignalReading) -> _Key:
    return Signal(Kind(reading.kind), reading.subject), reading.pid


def _standing(reading: SignalReading) -> Standing:
    return Standing(pressure.of_word(reading.pressure), reading.short_since_s)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def forecast_rules(plan: Plan) -> forecast.Rules:
    """Return from how much of the past the settings foretell."""
    chosen = plan.settings.forecast
    return forecast.Rules(
        **{field.name: getattr(chosen, field.name) for field in dataclasses.fields(forecast.Rules)}
    )


class Gauges:
    """The signals of one worker, from one snapshot to the next."""

    def __init__(self, plan: Plan, before: Snapshot | None = None) -> None:
        self._plan = plan
        known = before.signals if before is not None else ()
        self._standings = {_key(each): _standing(each) for each in known}
        self._trends: dict[_Key, Series] = {}
        self._foretelling = forecast_rules(plan)
        #: The limits of the programs as of the last look.
        self.limits: dict[str, Limits] = self._limits_at_start()

    def look(self, snapshot: Snapshot) -> list[SignalReading]:
        """Return every signal of which there is a reading, each judged."""
        self.limits = self._limits(snapshot)
        found = [self._foretold(each, snapshot) for each in self._signals(snapshot)]
        read = {_key(each) for each in found}
        self._trends = {key: series for key, series in self._trends.items() if key in read}
        found += self._unread(snapshot, read)
        self._standings = {_key(each): _standing(each) for each in found}
        return found

    def _foretold(self, reading: SignalReading, snapshot: Snapshot) -> SignalReading:
        """Return a signal with how fast it fills, and when nothing will be left of it."""
        key, rules = _key(reading), self._foretelling
        before = self._trends.get(key, Series())
        series = forecast.note(before, snapshot.taken_monotonic_s, reading.headroom, rules)
        self._trends[key] = series
        found = forecast.forecast(series, rules)
        return msgspec.structs.replace(
            reading, fill_per_s=found.fill_per_s, exhausted_in_s=found.exhausted_in_s
        )

    def _unread(self, snapshot: Snapshot, read: set[_Key]) -> Iterator[SignalReading]:
        """Give what is squeezed and has no reading now: nothing is known to have changed."""
        alive = {0, *(each.pid for each in snapshot.programs)}
        for key, standing in self._standings.items():
            (signal, pid), squeezed = key, standing.pressure > Pressure.CALM
            if key not in read and squeezed and pid in alive:
                yield SignalReading(
                    kind=signal.kind,
                    subject=signal.subject,
                    pid=pid,
                    headroom=None,
                    capacity=None,
                    pressure=standing.pressure.word,
                    short_since_s=standing.short_since_s,
                )

    def _limits_at_start(self) -> dict[str, Limits]:
        return self._limits_within(self._plan.memory_budget_bytes, {})

    def _share(self, program: Program, budget_bytes: int, used_bytes: int | None) -> Share:
        floor = getattr(self._plan.settings.memory, f"{program.role}_floor", None)
        return Share(
            program=program.name,
            floor_bytes=0 if floor is None else floor.of(budget_bytes),
            soft_bytes=program.memory_soft_bytes,
            hard_bytes=program.memory_hard_bytes,
            used_bytes=used_bytes,
        )

    def _limits(self, snapshot: Snapshot) -> dict[str, Limits]:
        """Return the programs' limits within the container as it is now, which may be resized."""
        capacity_bytes = snapshot.memory.capacity_bytes or self._plan.memory_capacity_bytes
        reserve_bytes = self._plan.settings.memory.reserve.of(capacity_bytes)
        used = {each.name: each.memory_bytes for each in snapshot.programs}
        return self._limits_within(capacity_bytes - reserve_bytes, used)

    def _limits_within(
        self, budget_bytes: int, used_bytes: Mapping[str, int | None]
    ) -> dict[str, Limits]:
        given = [
            self._share(each, budget_bytes, used_bytes.get(each.name))
            for each in self._plan.programs
        ]
        return shares.limits(budget_bytes, given, self._plan.settings.memory.critical_factor)

    def _signals(self, snapshot: Snapshot) -> Iterator[SignalReading]:
        at_s = snapshot.taken_monotonic_s
        yield from self._memory(snapshot, at_s)
        yield from self._disks(snapshot, at_s)
        yield from self._cards(snapshot, at_s)
        yield from self._processors(snapshot, at_s)
        for program in snapshot.programs:
            if program.pid:
                yield from self._program(program, program.pid, at_s)

    def _memory(self, snapshot: Snapshot, at_s: float) -> Iterator[SignalReading]:
        chosen, memory = self._plan.settings.thresholds, snapshot.memory
        if memory.capacity_bytes and memory.working_set_bytes is not None:
            given = Shares(chosen.memory_soft, chosen.memory_hard, chosen.memory_critical)
            grace_s = self._plan.settings.memory.soft_grace_s
            size, left = memory.capacity_bytes, memory.capacity_bytes - memory.working_set_bytes
            lines = signals.lines(given, size, chosen.release_factor, grace_s)
            yield self._judged(Signal(Kind.MEMORY), left, size, lines, at_s)

    def _disks(self, snapshot: Snapshot, at_s: float) -> Iterator[SignalReading]:
        chosen = self._plan.settings.thresholds
        for disk in snapshot.disks:
            if disk.capacity_bytes and disk.available_bytes is not None:
                most = chosen.disk_most.of(disk.capacity_bytes)
                given = Shares(chosen.disk_soft, chosen.disk_hard, most=most)
                size, left = disk.capacity_bytes, disk.available_bytes
                lines = signals.lines(given, size, chosen.release_factor, chosen.grace_s)
                yield self._judged(Signal(Kind.DISK, disk.path), left, size, lines, at_s)
            if disk.capacity_inodes and disk.available_inodes is not None:
                given = Shares(chosen.inodes_soft, chosen.inodes_hard)
                size, left = disk.capacity_inodes, disk.available_inodes
                lines = signals.lines(given, size, chosen.release_factor, chosen.grace_s)
                yield self._judged(Signal(Kind.INODES, disk.path), left, size, lines, at_s)

    def _cards(self, snapshot: Snapshot, at_s: float) -> Iterator[SignalReading]:
        chosen = self._plan.settings.thresholds
        for gpu in snapshot.gpus or ():
            if gpu.memory_capacity_bytes and gpu.memory_used_bytes is not None:
                size = gpu.memory_capacity_bytes
                given = Shares(chosen.vram_soft, chosen.vram_hard)
                lines = signals.lines(given, size, chosen.release_factor, chosen.grace_s)
                left = size - gpu.memory_used_bytes
                yield self._judged(Signal(Kind.VRAM, str(gpu.index)), left, size, lines, at_s)

    def _processors(self, snapshot: Snapshot, at_s: float) -> Iterator[SignalReading]:
        """Give how much of the time nobody waits for a processor: it is never worse than soft."""
        found, chosen = cpu.left(seen_of(snapshot.cpu)), self._plan.settings.thresholds
        if found is not None:
            lines = signals.lines(
                Shares(chosen.cpu_soft, -math.inf), 1.0, chosen.release_factor, chosen.cpu_grace_s
            )
            yield self._judged(Signal(Kind.CPU), found.ratio, 1.0, lines, at_s)

    def _program(self, program: ProgramReading, pid: int, at_s: float) -> Iterator[SignalReading]:
        memory = self._plan.settings.memory
        limits = self.limits.get(program.name)
        if limits is not None and program.memory_bytes is not None:
            lines = pressure.of_limits(
                limits.soft_bytes,
                limits.hard_bytes,
                memory.release_ratio,
                memory.soft_grace_s,
                limits.critical_bytes,
            )
            left = limits.hard_bytes - program.memory_bytes
            signal = Signal(Kind.PROGRAM_MEMORY, program.name)
            yield self._judged(signal, left, limits.hard_bytes, lines, at_s, pid)
        if program.open_files_limit and program.open_files_most is not None:
            chosen = self._plan.settings.thresholds
            given = Shares(chosen.open_files_soft, chosen.open_files_hard)
            size, left = (
                program.open_files_limit,
                program.open_files_limit - program.open_files_most,
            )
            lines = signals.lines(given, size, chosen.release_factor, chosen.grace_s)
            signal = Signal(Kind.OPEN_FILES, program.name)
            yield self._judged(signal, left, size, lines, at_s, pid)

    def _judged(  # noqa: PLR0913, PLR0917 - one value from many
        self,
        signal: Signal,
        headroom: float,
        capacity: float,
        lines: Threshold,
        at_s: float,
        pid: int = 0,
    ) -> SignalReading:
        before = self._standings.get((signal, pid), Standing())
        standing = pressure.judge(headroom, lines, before, at_s)
        return SignalReading(
            kind=signal.kind,
            subject=signal.subject,
            pid=pid,
            headroom=headroom,
            capacity=capacity,
            pressure=standing.pressure.word,
            short_since_s=standing.short_since_s,
            soft=lines.soft,
            hard=_finite(lines.hard),
            critical=_finite(lines.critical),
        )
