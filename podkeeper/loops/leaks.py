"""What does the keeper do about memory that a WebUI keeps after its jobs?

Covers: noticing the end of a job, what is held then by RAM and GPU, what is remembered of each
life; an incident for a leak or for GPU memory in pieces, and a restart between two jobs before a
leak has used up what there is.
Leaves out: telling a leak from noise (`policy.leak`), memory that is short now (`loops.relief`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.loops import deaths, gpu_rules, handiwork
from podkeeper.loops.sight import reading_of
from podkeeper.policy import fragmentation, leak
from podkeeper.policy.cause import Cause, Explanation
from podkeeper.policy.fragmentation import Counted, Trend
from podkeeper.policy.leak import History
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.loops.desk import Desk, Now
    from podkeeper.loops.incidents import IncidentBook
    from podkeeper.loops.sight import Sight
    from podkeeper.model.incident import Incident
    from podkeeper.model.snapshot import ProgramReading
    from podkeeper.policy.leak import Finding
    from podkeeper.settings.plan import Plan, Program


@dataclass(frozen=True)
class Life:
    """What is remembered of one life of a WebUI."""

    pid: int = 0
    #: The last job that was counted, by the WebUI's own number or by ours.
    number: int = 0
    ram: History = field(default_factory=History)
    vram: History = field(default_factory=History)
    retries: Trend = field(default_factory=Trend)
    #: Of which memory it was said that it leaks, and that it is to be restarted.
    told: tuple[str, ...] = ()
    recycled: bool = False


@dataclass(frozen=True)
class Held:
    """What a WebUI holds when a job is over."""

    number: int
    checkpoint: str
    ram_bytes: int | None
    vram_bytes: int | None = None
    #: Retries to allocate GPU memory in its life.
    retries: int | None = None


class Memory(NamedTuple):
    """One kind of memory of one WebUI."""

    name: str
    program: str
    history: History
    #: What may be held after a job; None where that is not known.
    budget_bytes: int | None


def rules_of(plan: Plan) -> leak.Rules:
    """Return from when on growth is a leak."""
    chosen = plan.settings.leak
    names = [each.name for each in dataclasses.fields(leak.Rules)]
    return leak.Rules(**{name: getattr(chosen, name) for name in names})


class Leaks:
    """The growth of each WebUI from job to job."""

    def __init__(self, plan: Plan, book: IncidentBook, desk: Desk) -> None:
        self._plan = plan
        self._book = book
        self._desk = desk
        self._rules = rules_of(plan)
        self._pieces = gpu_rules.fragmentation_rules(plan.settings.gpu)
        self._lives: dict[str, Life] = {
            each.name: book.recall(f"leak.{each.name}", Life) or Life()
            for each in plan.of_role("webui")
        }
        #: The jobs that each WebUI had at the last look.
        self._in_hand: dict[str, frozenset[str]] = {}

    def look(self, now: Now) -> None:
        """Count the jobs that have ended, and answer what they show."""
        for program in self._plan.of_role("webui"):
            info = now.sight.infos.get(program.name)
            reading = reading_of(now.sight, info) if info is not None else None
            ended = self._ended(program, now.sight)
            if reading is None or not reading.pid:
                continue
            life = self._life(program.name, reading.pid)
            held = _told(reading, life.number) or _seen(reading, life.number, ended=ended)
            if held is not None:
                self._count(program, reading, held, now.sight)

    def _life(self, program: str, pid: int) -> Life:
        known = self._lives[program]
        return known if known.pid == pid else Life(pid)

    def _ended(self, program: Program, sight: Sight) -> bool:
        """Return whether a job of a WebUI has ended since the last look, as the handler tells."""
        work = handiwork.work_of(sight, self._plan)
        if work is None:
            self._in_hand.pop(program.name, None)
            return False
        before = self._in_hand.get(program.name, frozenset())
        after = frozenset(each.id for each in work.jobs if each.webui == program.name)
        self._in_hand[program.name] = after
        return bool(before - after)

    def _count(self, program: Program, reading: ProgramReading, held: Held, sight: Sight) -> None:
        """Remember what is held after one more job, and answer what it shows."""
        life = self._life(program.name, reading.pid or 0)
        counted = Counted(life.pid, sight.now_s, held.retries)
        trend, pieces = fragmentation.after_job(life.retries, counted, self._pieces)
        life = replace(
            life,
            number=held.number,
            ram=leak.after_job(life.ram, held.checkpoint, held.ram_bytes, self._rules),
            vram=leak.after_job(life.vram, held.checkpoint, held.vram_bytes, self._rules),
            retries=trend,
        )
        if pieces is not None:
            why = Explanation(pieces.cause, pieces.sentence)
            evidence = deaths.evidence(sight, program.name, None, None) | pieces.evidence
            opened = self._book.open(program.name, why, pid=life.pid, evidence=evidence)
            self._book.close(opened)
        for memory in self._memories(program, reading, life):
            life = self._judged(life, memory, sight)
        self._lives[program.name] = life
        self._book.remember(f"leak.{program.name}", life)

    def _memories(self, program: Program, reading: ProgramReading, life: Life) -> Iterator[Memory]:
        """Give each memory with what it may hold after a job."""
        yield Memory("RAM", program.name, life.ram, program.memory_soft_bytes)
        total = reading.webui_memory.device_total_bytes if reading.webui_memory else None
        left = 1 - self._plan.settings.thresholds.vram_soft
        budget = None if total is None else int(total * left)
        yield Memory("GPU memory", program.name, life.vram, budget)

    def _judged(self, life: Life, memory: Memory, sight: Sight) -> Life:
        history, budget = memory.history, memory.budget_bytes
        found = leak.judge(history, self._rules, budget)
        due = None if budget is None else leak.project(history, self._rules, budget)
        if found is not None and memory.name not in life.told:
            self._opened(life, memory, found, sight)
            life = replace(life, told=(*life.told, memory.name))
        if due is not None and not life.recycled:
            incident = self._opened(life, memory, due, sight)
            self._desk.restart_between_jobs(memory.program, sight.now_wall_s)
            self._book.act(incident, "restart", "as soon as no job is in hand")
            life = replace(life, recycled=True, told=(*life.told, memory.name))
        return life

    def _opened(self, life: Life, memory: Memory, found: Finding, sight: Sight) -> Incident:
        """Return the incident of a leak of this life, opened if there is none yet."""
        for each in self._book.of(memory.program):
            same = each.pid == life.pid and each.evidence.get("memory") == memory.name
            if same and each.cause == Cause.LEAK:
                return each
        evidence = deaths.evidence(sight, memory.program, None, None)
        evidence |= {"memory": memory.name, **dataclasses.asdict(found)}
        why = Explanation(Cause.LEAK, _sentence(memory.name, found))
        return self._book.open(memory.program, why, pid=life.pid, evidence=evidence)


def _sentence(memory: str, found: Finding) -> str:
    end = "" if found.jobs_left is None else f", enough for {found.jobs_left} more jobs"
    grown = f"{format_size(found.bytes_per_job)} more {memory} after each job"
    return f"keeps {grown} (over {found.jobs} jobs); {format_size(found.held_bytes)} held{end}"


def _told(reading: ProgramReading, last: int) -> Held | None:
    """Return what the WebUI itself tells of its last job, once it is new."""
    memory = reading.webui_memory
    base = memory.baseline if memory is not None else None
    if memory is None or base is None or base.number == last:
        return None
    return Held(
        number=base.number,
        checkpoint=base.checkpoint or "",
        ram_bytes=base.ram_anon_bytes,
        vram_bytes=base.allocated_bytes,
        retries=memory.retries,
    )


def _seen(reading: ProgramReading, last: int, *, ended: bool) -> Held | None:
    """Return what is seen from outside of a WebUI without the extension when a job has ended."""
    memory = reading.webui_memory
    if not ended or (memory is not None and memory.extension):
        return None
    retries = memory.retries if memory is not None else None
    return Held(last + 1, "", reading.memory_bytes, retries=retries)
