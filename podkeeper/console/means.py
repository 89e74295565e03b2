"""What does the worker have, use and have left?

Covers: tables of resources and of budgets, from the values that `podkeeper.resources` and
`podkeeper.budget` answer. Pure.
Leaves out: asking (`hooks.ctlplugin`), computing budgets (`policy.budget`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from podkeeper.console.text import table
from podkeeper.model.snapshot import Snapshot
from podkeeper.policy.budget import Budget
from podkeeper.policy.signals import Kind, Signal
from podkeeper.units import format_size, format_span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podkeeper.model.signal import SignalReading
    from podkeeper.model.snapshot import ProgramReading

_UNKNOWN = "-"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What is enforced for one program."""

    memory_soft_bytes: int | None = None
    memory_hard_bytes: int | None = None


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """The watchdog's newest snapshot and the limits of each program."""

    snapshot: Snapshot
    limits: dict[str, Limits]


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """What may still be spent."""

    memory_capacity_bytes: int
    memory_budget_bytes: int
    programs: list[Budget]


def _size(size_bytes: float | None) -> str:
    return _UNKNOWN if size_bytes is None else format_size(size_bytes)


def _count(number: float | None) -> str:
    return _UNKNOWN if number is None else f"{number:.0f}"


def _share(ratio: float | None) -> str:
    return _UNKNOWN if ratio is None else f"{ratio:.0%}"


def _figure(value: float | None, digits: int = 1) -> str:
    return _UNKNOWN if value is None else f"{value:.{digits}f}"


#: How the amounts of a kind are shown, where they are no bytes.
_AMOUNTS = {Kind.INODES: _count, Kind.OPEN_FILES: _count, Kind.CPU: _share}


def resources(found: Resources, now_monotonic_s: float) -> str:
    """Return what is used of what there is, by program and as a whole."""
    snapshot = found.snapshot
    age_s = max(0.0, now_monotonic_s - snapshot.taken_monotonic_s)
    head = ["PROGRAM", "MEMORY", "SOFT", "HARD", "CPU SECONDS", "PROCESSES", "THREADS", "FILES"]
    rows = [_program(each, found.limits.get(each.name, Limits())) for each in snapshot.programs]
    lines = [f"as of {format_span(age_s)} ago", "", *table([head, *rows]), "", *_whole(snapshot)]
    return "\n".join([*lines, "", *signals(snapshot.signals)])


def signals(found: Sequence[SignalReading]) -> list[str]:
    """Return what can run out, one line each, its lines as what must be left."""
    head = ["CAN RUN OUT", "LEFT", "OF", "SOFT BELOW", "HARD BELOW", "PRESSURE", "RUNS OUT IN"]
    return table([head, *(_signal(each) for each in found)])


def _signal(reading: SignalReading) -> list[str]:
    show = _AMOUNTS.get(Kind(reading.kind), _size)
    amounts = (reading.headroom, reading.capacity, reading.soft, reading.hard)
    soon_s = reading.exhausted_in_s
    return [
        str(Signal(Kind(reading.kind), reading.subject)),
        *(show(each) for each in amounts),
        reading.pressure,
        _UNKNOWN if soon_s is None else format_span(soon_s),
    ]


def _program(reading: ProgramReading, limits: Limits) -> list[str]:
    counts = (reading.processes, reading.threads, reading.open_files)
    return [
        reading.name,
        _size(reading.memory_bytes),
        _size(limits.memory_soft_bytes),
        _size(limits.memory_hard_bytes),
        _figure(reading.cpu_s),
        *(_UNKNOWN if each is None else str(each) for each in counts),
    ]


def _whole(snapshot: Snapshot) -> Iterator[str]:
    memory, cpu = snapshot.memory, snapshot.cpu
    yield f"memory  {_size(memory.working_set_bytes)} of {_size(memory.capacity_bytes)}"
    yield f"cpu     {_figure(cpu.used_cores, 2)} of {_figure(cpu.capacity_cores)} cores"
    for disk in snapshot.disks:
        room = f"{_size(disk.available_bytes)} free of {_size(disk.capacity_bytes)}"
        yield f"disk    {disk.path}: {room}"
    for gpu in snapshot.gpus or ():
        used = f"{_size(gpu.memory_used_bytes)} of {_size(gpu.memory_capacity_bytes)}"
        yield f"gpu {gpu.index}   {gpu.name or _UNKNOWN}: {used}"


def budgets(found: Budgets) -> str:
    """Return the restart budget of each program and the memory there is to plan with."""
    head = ["PROGRAM", "SPENT", "LEFT", "WINDOW", "NEXT WAIT", "NOW"]
    rows = [
        [
            each.program,
            str(each.spent),
            str(each.left),
            format_span(each.window_s),
            format_span(each.next_wait_s) if each.next_wait_s else "none",
            _now(each),
        ]
        for each in found.programs
    ]
    room = f"{_size(found.memory_budget_bytes)} of {_size(found.memory_capacity_bytes)}"
    return "\n".join([*table([head, *rows]), "", f"memory to plan with: {room}"])


def _now(each: Budget) -> str:
    if each.gave_up:
        return "given up"
    if each.due_in_s is None:
        return _UNKNOWN
    return f"restart in {format_span(each.due_in_s)}" if each.due_in_s else "restart is due"
