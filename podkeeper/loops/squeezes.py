"""Which signals are squeezed, whom would it help to restart, and in which words is that told?

Covers: from the snapshot's signals to `policy.ladder.Squeeze`, with figures for people.
Leaves out: what is done about them (`loops.relief`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from podkeeper.loops import handiwork
from podkeeper.policy import pressure
from podkeeper.policy.ladder import Squeeze
from podkeeper.policy.pressure import Pressure
from podkeeper.policy.signals import Kind, Signal
from podkeeper.units import format_size, format_span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from podkeeper.loops.sight import Sight
    from podkeeper.loops.world import World
    from podkeeper.model.signal import SignalReading
    from podkeeper.model.snapshot import ProgramReading
    from podkeeper.settings.plan import Plan, Program

_NAMES = {
    Kind.PROGRAM_MEMORY: "RAM",
    Kind.MEMORY: "RAM",
    Kind.VRAM: "memory of GPU {}",
    Kind.DISK: "room on {}",
    Kind.INODES: "inodes on {}",
    Kind.OPEN_FILES: "files that it may open",
}
_BYTES = (Kind.PROGRAM_MEMORY, Kind.MEMORY, Kind.VRAM, Kind.DISK)


@dataclass(frozen=True)
class Found:
    """One squeezed signal, judged and in words."""

    squeeze: Squeeze
    reading: SignalReading

    @property
    def hard(self) -> float:
        """Return the headroom below which it is hard."""
        return self.reading.hard or 0.0

    @property
    def holds_back(self) -> bool:
        """Return whether jobs that were held back for it must still wait.

        Half way up to the soft line, so that the next job does not hold back the one after it.
        """
        left, soft = self.reading.headroom, self.reading.soft
        low = left is not None and soft is not None and left < (soft + self.hard) / 2
        return low or self.squeeze.pressure >= Pressure.HARD

    @property
    def missing(self) -> float | None:
        """Return how much would have to be given back to be above the soft line again."""
        reading = self.reading
        if reading.headroom is None or reading.soft is None:
            return None
        return max(0.0, reading.soft - reading.headroom)

    @property
    def sentence(self) -> str:
        """Return what is wrong with the victim or the worker, for people."""
        reading, squeeze = self.reading, self.squeeze
        short = f"short of {_NAMES[squeeze.signal.kind].format(squeeze.signal.subject)}"
        largest = squeeze.victim and squeeze.signal.kind == Kind.MEMORY
        squeezed = (
            f"is {'the largest in a container ' if largest else ''}{short} ({reading.pressure})"
        )
        if reading.headroom is None or reading.capacity is None:
            return f"{squeezed}: how much is left is not known now"
        used, size = reading.capacity - reading.headroom, reading.capacity
        if squeeze.signal.kind in _BYTES:
            figures = f"{format_size(used)} used of {format_size(size)}"
        else:
            figures = f"{used:.0f} used of {size:.0f}"
        return f"{squeezed}: {figures}{self.end}"

    @property
    def end(self) -> str:
        """Return when nothing will be left, to follow other words; empty where nobody knows."""
        soon_s = self.reading.exhausted_in_s
        return f", nothing left in {format_span(soon_s)}" if soon_s else ""

    @property
    def evidence(self) -> dict[str, Any]:
        """Return the reading, for the incident."""
        reading = self.reading
        return {
            "signal": str(self.squeeze.signal),
            "pressure": reading.pressure,
            "headroom": reading.headroom,
            "capacity": reading.capacity,
            "fill_per_s": reading.fill_per_s,
            "exhausted_in_s": reading.exhausted_in_s,
        }

    def again(self, world: World) -> float | None:
        """Return the headroom of a second reading; None where it cannot be had, or is no memory."""
        used, capacity = None, self.reading.capacity
        if capacity and self.squeeze.signal.kind == Kind.PROGRAM_MEMORY:
            enough = capacity - self.hard
            used = world.memory_of(self.squeeze.victim, self.squeeze.pid, enough)
        elif capacity and self.squeeze.signal.kind == Kind.MEMORY:
            used = world.working_set()
        return None if used is None or not capacity else capacity - used


class Known(NamedTuple):
    """What is known beside a sight."""

    #: Whether anybody can relieve a signal of a program.
    is_reclaimable: Callable[[Signal, str], bool]
    #: The process of each WebUI that last had a job.
    worked: Mapping[str, int]


def find(sight: Sight, plan: Plan, known: Known) -> list[Found]:
    """Return every signal that is not calm."""
    if sight.snapshot is None:
        return []
    squeezed = [
        each
        for each in sight.snapshot.signals
        if each.pressure != Pressure.CALM.word and _is_of_now(each, sight)
    ]
    if any(each.kind == Kind.CPU for each in squeezed):
        known = known._replace(is_reclaimable=_without_background(known.is_reclaimable, squeezed))
    return [_found(each, sight, plan, known) for each in squeezed]


def _is_of_now(reading: SignalReading, sight: Sight) -> bool:
    """Return whether what a signal is about is there: what a dead process held is nobody's want."""
    info = sight.infos.get(reading.subject)
    return not reading.pid or (info is not None and info.pid == reading.pid)


def _without_background(
    is_reclaimable: Callable[[Signal, str], bool], squeezed: Sequence[SignalReading]
) -> Callable[[Signal, str], bool]:
    """Return the same, less what can wait while processors are short: soft cleaning of disks."""
    waiting = {
        Signal(Kind(each.kind), each.subject)
        for each in squeezed
        if each.kind in (Kind.DISK, Kind.INODES) and each.pressure == Pressure.SOFT.word
    }
    return lambda signal, victim: signal not in waiting and is_reclaimable(signal, victim)


def _found(reading: SignalReading, sight: Sight, plan: Plan, known: Known) -> Found:
    signal = Signal(Kind(reading.kind), reading.subject)
    victim = _victim(signal, reading, sight, plan)
    info = sight.infos.get(victim.name) if victim is not None else None
    name, pid = (victim.name, info.pid) if victim is not None and info else ("", 0)
    squeeze = Squeeze(
        signal=signal,
        pressure=pressure.of_word(reading.pressure),
        victim=name,
        pid=pid,
        busy=handiwork.is_busy(sight, plan, victim) if victim is not None else None,
        worked=bool(name) and known.worked.get(name) == pid,
        reclaimable=known.is_reclaimable(signal, name),
        foreseen=_foreseen(reading, plan),
    )
    return Found(squeeze, reading)


def _foreseen(reading: SignalReading, plan: Plan) -> bool:
    soon_s = plan.settings.memory.foresight_s
    return reading.exhausted_in_s is not None and reading.exhausted_in_s < soon_s


def _victim(signal: Signal, reading: SignalReading, sight: Sight, plan: Plan) -> Program | None:
    """Return the program that a restart would take it from; None where none would help."""
    if signal.kind in (Kind.PROGRAM_MEMORY, Kind.OPEN_FILES):
        return plan.program(signal.subject)
    if signal.kind == Kind.VRAM:
        return handiwork.webui_of_gpu(plan, signal.subject)
    return _largest(reading, sight, plan) if signal.kind == Kind.MEMORY else None


def _largest(reading: SignalReading, sight: Sight, plan: Plan) -> Program | None:
    """Return the largest program whose end alone would make the container's memory suffice."""
    missing = (reading.hard or 0.0) - (reading.headroom or 0.0)
    snapshot = sight.snapshot
    programs = [each for each in plan.programs if not each.resident]
    readings = [snapshot.program(each.name) for each in programs] if snapshot else []
    sizes = [
        (_memory(each, sight), program) for each, program in zip(readings, programs, strict=False)
    ]
    size, program = max(sizes, key=lambda each: each[0], default=(0, None))
    return program if size > max(missing, 0.0) else None


def _memory(reading: ProgramReading | None, sight: Sight) -> int:
    """Return what a program that still runs holds; 0 where that is not known."""
    if reading is None or reading.memory_bytes is None:
        return 0
    info = sight.infos.get(reading.name)
    return reading.memory_bytes if info is not None and info.pid == reading.pid else 0
