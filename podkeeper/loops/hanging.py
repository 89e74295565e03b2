"""Which programs are hung?

Covers: bringing snapshot, work file and plan together into what `policy.hang` judges, and what it
remembers of each program. All in memory: a keeper that comes anew watches for a whole window again.
And what is due for a hung program but waits until its stack is written down.
Leaves out: the judgement (`policy.hang`), what is done (`loops.keeper`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from podkeeper.loops import handiwork
from podkeeper.loops.sight import reading_of
from podkeeper.policy import hang
from podkeeper.policy.cause import Cause
from podkeeper.policy.hang import Job, Rules, Seen, Watch
from podkeeper.policy.liveness import Patience
from podkeeper.policy.stall import Lines, Signs

if TYPE_CHECKING:
    from podkeeper.loops.sight import Sight
    from podkeeper.model.incident import Incident
    from podkeeper.model.work import JobInHand, Work
    from podkeeper.policy.duty import Facts, Record, Verdict
    from podkeeper.settings.plan import Plan, Program


def rules_of(plan: Plan, program: Program) -> Rules:
    """Return when a program of the plan counts as hung."""
    webui, probe = plan.settings.webui, program.liveness
    lines = Lines(
        window_s=webui.stall_s,
        cpu_ratio=webui.stall_cpu_ratio,
        gpu_ratio=webui.stall_gpu_ratio,
        io_bytes=webui.stall_io_bytes,
    )
    return Rules(
        lines=lines,
        patience=None if probe is None else Patience(probe.failures, probe.period_s),
        stopped_s=plan.settings.keeper.stopped_s,
        silence_s=plan.settings.handler.silence_s if program.role == "handler" else None,
        gap_s=plan.settings.keeper.watchdog_silence_s,
    )


def _job_at(work: Work | None, program: Program) -> JobInHand | None:
    """Return the job at a WebUI that moved last, or None."""
    jobs = [each for each in work.jobs if each.webui == program.name] if work is not None else []
    return max(jobs, key=lambda each: each.moved_monotonic_s, default=None)


def _gpu_ratio(sight: Sight, program: Program) -> float | None:
    """Return how busy the program's GPU is, or the busiest of all; None where unknown."""
    own = program.environment.get(handiwork.GPU_VARIABLE)
    gpus = sight.snapshot.gpus if sight.snapshot is not None else None
    ratios = [
        each.utilization_ratio for each in gpus or () if own is None or str(each.index) == own
    ]
    return max((each for each in ratios if each is not None), default=None)


class Hangs:
    """Watches every program for hanging."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._rules = {each.name: rules_of(plan, each) for each in plan.programs}
        self._watches = {each.name: Watch() for each in plan.programs}

    def look(self, program: Program, facts: Facts, record: Record, sight: Sight) -> Facts:
        """Return the facts with whether the program is hung; the watchers look after themselves."""
        if program.resident or not facts.pid:
            return facts
        seen = self._seen(program, facts, record, sight)
        if seen is None:
            return facts
        before, rules = self._watches[program.name], self._rules[program.name]
        self._watches[program.name], hung = hang.judge(before, seen, rules)
        return replace(facts, hung=hung)

    def _seen(self, program: Program, facts: Facts, record: Record, sight: Sight) -> Seen | None:
        reading = reading_of(sight, sight.infos[program.name])
        if sight.snapshot is None or reading is None:
            return None
        work = handiwork.work_of(sight, self._plan)
        job = _job_at(work, program)
        silent = work is not None and work.jobs and work.handler_pid == facts.pid
        signs = Signs(
            at_s=sight.snapshot.taken_monotonic_s,
            cpu_s=reading.cpu_s,
            moved_at_s=job.moved_monotonic_s if job else None,
            gpu_ratio=_gpu_ratio(sight, program) if program.role == "webui" else None,
            io_bytes=reading.io_bytes,
            cpu_wait_ratio=sight.snapshot.cpu.wait_ratio,
        )
        return Seen(
            pid=facts.pid,
            signs=signs,
            stopped=reading.stopped,
            job=Job(job.id, job.phase, job.progress_ratio) if job else None,
            failures=reading.liveness_failures,
            detail=reading.liveness_detail or "",
            was_ready=facts.pid == record.was_ready_pid,
            sign_of_life_s=work.written_monotonic_s if work is not None and silent else None,
        )


class Dumps(Protocol):
    """Who writes down where a hung program stands. Real in `actuators.stackdumps`."""

    def begin(self, program: str, pid: int) -> bool:
        """Begin to write a program's stack; False where that cannot be."""

    def finished(self) -> list[tuple[str, str]]:
        """Return the programs whose dumps have ended since the last call, and what came of it."""


class Due(NamedTuple):
    """What is due for a program, and the incident it was found in."""

    program: str
    facts: Facts
    verdict: Verdict
    incident: Incident


class Undone:
    """What waits for a stack dump. If the keeper dies meanwhile, its next life kills in time."""

    def __init__(self, dumps: Dumps) -> None:
        self._dumps = dumps
        self._waiting: dict[str, Due] = {}

    def begin(self, due: Due) -> bool:
        """Return whether what is due waits for the program's stack from now on."""
        if due.verdict.cause != Cause.HANG or not self._dumps.begin(due.program, due.facts.pid):
            return False
        self._waiting[due.program] = due
        return True

    def finished(self) -> list[tuple[Due, str]]:
        """Return what waits no more, each with what came of the dump."""
        return [(self._waiting.pop(name), outcome) for name, outcome in self._dumps.finished()]
