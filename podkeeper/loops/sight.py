"""What does the keeper see at one instant?

Covers: bringing supervisord's word, the watchdog's snapshot and the plan together into one
`policy.duty.Facts` for each program.
Leaves out: judging them (`policy.duty`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podkeeper.policy import silence
from podkeeper.policy.duty import Facts

if TYPE_CHECKING:
    from podkeeper.model.snapshot import ProgramReading, Snapshot
    from podkeeper.model.work import Work
    from podkeeper.settings.plan import Plan, Program
    from podkeeper.supervisord import ProgramInfo


@dataclass(frozen=True)
class Sight:
    """All that one look brought. A snapshot too old to trust is None."""

    infos: dict[str, ProgramInfo]
    snapshot: Snapshot | None
    now_s: float
    now_wall_s: float
    #: Which jobs the handler says it has in hand; None where it says nothing.
    work: Work | None = None


class Births:
    """Since when each program's process has run, on the monotonic clock.

    supervisord gives whole seconds of the wall clock, which may step; so the first sight of a pid
    counts, and its word only for what already ran when the keeper came.
    """

    def __init__(self) -> None:
        self._first_seen: dict[str, tuple[int, float]] = {}
        self._first_look = True

    def look(self, sight: Sight) -> None:
        """Note the processes that are new since the last look."""
        for name, info in sight.infos.items():
            known = self._first_seen.get(name)
            if info.pid and (known is None or known[0] != info.pid):
                age_s = max(0.0, sight.now_wall_s - info.started_at_s) if self._first_look else 0.0
                self._first_seen[name] = (info.pid, sight.now_s - age_s)
        self._first_look = False

    def of(self, program: str, pid: int) -> float | None:
        """Return since when this process of the program has run, or None where it was not seen."""
        known = self._first_seen.get(program)
        return known[1] if known is not None and known[0] == pid else None


def reading_of(sight: Sight, info: ProgramInfo) -> ProgramReading | None:
    """Return the snapshot's reading of exactly the process that runs now, or None."""
    reading = sight.snapshot.program(info.name) if sight.snapshot is not None else None
    return reading if reading is not None and info.pid and reading.pid == info.pid else None


def is_ready(sight: Sight, program: Program) -> bool:
    """Return whether a program is known to do its work now."""
    info = sight.infos.get(program.name)
    reading = reading_of(sight, info) if info is not None else None
    return reading is not None and reading.ready is True


def is_silent(sight: Sight, plan: Plan, facts: Facts) -> bool:
    """Return whether the watchdog that runs has left no snapshot for too long."""
    snapshot, keeper = sight.snapshot, plan.settings.keeper
    own = snapshot is not None and snapshot.watchdog_pid == facts.pid
    age_s = sight.now_s - snapshot.taken_monotonic_s if snapshot and own else None
    running = facts.state == "RUNNING"
    return running and silence.is_silent(
        age_s, facts.running_s, keeper.watchdog_silence_s, keeper.watchdog_grace_s
    )


def gate_open(sight: Sight, plan: Plan, program: Program) -> bool:
    """Return whether what a program waits for at its start is there.

    The handler takes jobs from the moment it runs, so a WebUI must be able to do them, and the
    platform, where it is a local one, must be there to be asked.
    """
    if program.role != "handler":
        return True
    webui = any(is_ready(sight, each) for each in plan.of_role("webui"))
    return webui and all(is_ready(sight, each) for each in plan.of_role("platform"))


def facts_of(sight: Sight, plan: Plan, program: Program, births: Births) -> Facts | None:
    """Return what is seen of a program, or None where supervisord does not know it."""
    info = sight.infos.get(program.name)
    if info is None:
        return None
    reading = reading_of(sight, info)
    born_s = births.of(program.name, info.pid) if info.pid else None
    return Facts(
        state=info.state,
        pid=info.pid,
        ever_started=info.started_at_s > 0,
        running_s=None if born_s is None else sight.now_s - born_s,
        ready=reading.ready if reading is not None else None,
        readiness_detail=(reading.readiness_detail or "") if reading is not None else "",
        gate_open=gate_open(sight, plan, program),
    )
