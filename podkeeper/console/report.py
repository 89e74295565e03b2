"""How is the worker, on one screen?

Covers: from what supervisord, the snapshot and the ledger say to a report and its level. Pure.
Leaves out: fetching (`cli.status`), printing (`console.text`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import msgspec

from podkeeper.console import wishes
from podkeeper.model.gpu import Gpu
from podkeeper.model.signal import CALM, SignalReading
from podkeeper.policy.orders import Wanted
from podkeeper.policy.signals import Kind, Signal

if TYPE_CHECKING:
    from podkeeper.model.incident import Incident
    from podkeeper.model.snapshot import ProgramReading, Snapshot
    from podkeeper.model.work import Work
    from podkeeper.settings.plan import Plan, Program
    from podkeeper.supervisord import ProgramInfo

#: No findings: torch keeps the GPU's memory that it has had, and processors are there to be used.
_USUAL = {(Kind.VRAM.value, "soft"), (Kind.CPU.value, "soft")}


class Level(IntEnum):
    """How the worker is; also the exit code of `podkeeper status`."""

    OK = 0
    WARNING = 1
    FAILED = 2


class ProgramLine(msgspec.Struct, frozen=True, kw_only=True):
    """One program in the report."""

    name: str
    role: str
    state: str
    pid: int | None
    uptime_s: float | None
    ready: bool | None
    readiness_detail: str | None
    memory_bytes: int | None
    memory_soft_bytes: int | None
    memory_hard_bytes: int | None
    processes: int | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole screen."""

    level: str
    #: What is not as it should be, in words; empty when all is well.
    findings: list[str]
    #: Whether a job could be taken now.
    ready: bool
    version: str
    run_id: str
    runtime_dir: str
    programs: list[ProgramLine]
    memory_used_bytes: int | None
    memory_capacity_bytes: int
    gpus: list[Gpu]
    #: Age of the watchdog's snapshot; None where there is none.
    snapshot_age_s: float | None
    open_incidents: int
    incidents: int
    #: Whether an operator has asked for no more jobs.
    drained: bool = False
    #: Jobs in the hands of the handler; None where that is not known.
    jobs_in_hand: int | None = None
    #: What can run out, and how near it is to that.
    signals: list[SignalReading] = []

    @property
    def exit_code(self) -> int:
        """Return 0 for ok, 1 for warning, 2 for failed."""
        return int(Level[self.level.upper()])


def _line(
    program: Program, info: ProgramInfo | None, reading: ProgramReading | None, now_wall_s: float
) -> ProgramLine:
    running = info is not None and info.pid > 0
    fresh = (
        reading if info is not None and reading is not None and reading.pid == info.pid else None
    )
    return ProgramLine(
        name=program.name,
        role=program.role,
        state=info.state if info is not None else "UNKNOWN",
        pid=info.pid if info is not None and running else None,
        uptime_s=max(0.0, now_wall_s - info.started_at_s) if info is not None and running else None,
        ready=fresh.ready if fresh is not None else None,
        readiness_detail=fresh.readiness_detail if fresh is not None else None,
        memory_bytes=fresh.memory_bytes if fresh is not None else None,
        memory_soft_bytes=program.memory_soft_bytes,
        memory_hard_bytes=program.memory_hard_bytes,
        processes=fresh.processes if fresh is not None else None,
    )


def _program_wrong(line: ProgramLine) -> tuple[Level, str] | None:
    if line.state in ("FATAL", "EXITED", "UNKNOWN"):
        return Level.FAILED, f"{line.name} is down ({line.state})"
    if line.state != "RUNNING":
        return Level.WARNING, f"{line.name} is {line.state}"
    if line.ready is False:
        return Level.WARNING, f"{line.name} is not ready: {line.readiness_detail or 'unknown'}"
    return None


def _short(snapshot: Snapshot | None) -> list[tuple[Level, str]]:
    """Return what is running out."""
    return [
        (Level.WARNING, f"{Signal(Kind(each.kind), each.subject)} is short ({each.pressure})")
        for each in (snapshot.signals if snapshot is not None else ())
        if each.pressure != CALM and (each.kind, each.pressure) not in _USUAL
    ]


def _wrong(
    lines: list[ProgramLine], age_s: float | None, silence_s: float, open_incidents: int
) -> list[tuple[Level, str]]:
    found = [each for each in map(_program_wrong, lines) if each is not None]
    if age_s is None:
        found.append((Level.WARNING, "the watchdog has left no snapshot yet"))
    elif age_s > silence_s:
        found.append((Level.WARNING, f"the watchdog has been silent for {age_s:.0f} s"))
    if open_incidents:
        found.append((Level.WARNING, f"{open_incidents} open incident(s)"))
    return found


@dataclass(frozen=True)
class Findings:
    """All that a command found out about one worker."""

    infos: dict[str, ProgramInfo]
    #: The watchdog's newest of this start, or None.
    snapshot: Snapshot | None
    #: The incidents of this start.
    incidents: list[Incident]
    #: CLOCK_MONOTONIC, as in the snapshot.
    now_s: float
    #: The wall clock, as in supervisord's word.
    now_wall_s: float
    #: What operators want.
    wanted: Wanted = field(default_factory=Wanted)
    #: What the handler that runs says of itself; None where it says nothing.
    work: Work | None = None

    @property
    def jobs(self) -> int | None:
        """Jobs in the hands of the handler that runs; None where that is not known."""
        return None if self.work is None else len(self.work.jobs)

    def reading(self, name: str) -> ProgramReading | None:
        """Return the newest reading of a program, or None."""
        return self.snapshot.program(name) if self.snapshot is not None else None

    @property
    def snapshot_age_s(self) -> float | None:
        """How old the snapshot is, or None where there is none."""
        if self.snapshot is None:
            return None
        return max(0.0, self.now_s - self.snapshot.taken_monotonic_s)


def report(plan: Plan, found: Findings) -> Report:
    """Return how the worker is."""
    lines = [
        _line(each, found.infos.get(each.name), found.reading(each.name), found.now_wall_s)
        for each in plan.programs
    ]
    open_incidents = sum(each.closed_at_s is None for each in found.incidents)
    silence_s = plan.settings.keeper.watchdog_silence_s
    meant = wishes.accounted_for(found.wanted, found.infos)
    unmeant = [each for each in lines if each.name not in meant]
    wrong = _wrong(unmeant, found.snapshot_age_s, silence_s, open_incidents)
    wrong += _short(found.snapshot)
    if found.work is not None and found.work.fault:
        wrong.append((Level.WARNING, f"a kill of the handler may cost a job: {found.work.fault}"))
    asked = wishes.findings(found.wanted, found.infos, found.jobs)
    wrong = [*((Level.WARNING, text) for text in asked), *wrong]
    snapshot = found.snapshot
    return Report(
        level=max((level for level, _ in wrong), default=Level.OK).name.lower(),
        findings=[text for _, text in wrong],
        ready=snapshot.ready if snapshot is not None else False,
        version=plan.version,
        run_id=plan.run_id,
        runtime_dir=plan.runtime_dir,
        programs=lines,
        memory_used_bytes=snapshot.memory.working_set_bytes if snapshot is not None else None,
        memory_capacity_bytes=plan.memory_capacity_bytes,
        gpus=list(snapshot.gpus or ()) if snapshot is not None else [],
        snapshot_age_s=found.snapshot_age_s,
        open_incidents=open_incidents,
        incidents=len(found.incidents),
        drained=found.wanted.drained_since_s is not None,
        jobs_in_hand=found.jobs,
        signals=list(snapshot.signals) if snapshot is not None else [],
    )
