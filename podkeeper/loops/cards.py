"""What does the keeper do about the GPUs?

Covers: what is remembered of them in this start, an incident for each finding, its answer (note it,
restart the program on the GPU, replace the worker), its end; and whether a WebUI may start on a GPU
whose last WebUI has left memory behind.
Leaves out: what is wrong with one (`policy.gpu`, `policy.vram`), its memory running out
(`loops.relief`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from podkeeper.loops import deaths, gpu_rules, handiwork
from podkeeper.loops.relief import WORKER
from podkeeper.policy import gpu, vram
from podkeeper.policy.cause import Cause, Explanation
from podkeeper.policy.gpu import GpuStanding
from podkeeper.policy.gpu_finding import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.loops.desk import Now
    from podkeeper.loops.incidents import IncidentBook
    from podkeeper.loops.sight import Births, Sight
    from podkeeper.loops.world import Means
    from podkeeper.model.gpu import Gpu
    from podkeeper.model.incident import Incident
    from podkeeper.policy.gpu_finding import Finding
    from podkeeper.settings.plan import Plan, Program

_log = logging.getLogger("keeper")
#: Under which keys the ledger has what is remembered.
_GPUS, _VRAM = "gpus", "vram"
#: Causes of what lasts; an incident about it is over with it. All others are over at once.
STATES = frozenset({Cause.GPU_LOST, Cause.GPU_RESET, Cause.GPU_HOT, Cause.GPU_POWER})


class Cards:
    """The GPUs, from one look to the next."""

    def __init__(self, plan: Plan, means: Means, book: IncidentBook, births: Births) -> None:
        self._plan = plan
        self._births = births
        self._hands = means.hands
        self._book = book
        self._rules = gpu_rules.gpu_rules(plan.settings.gpu)
        self._vram_rules = gpu_rules.vram_rules(plan.settings.gpu)
        self._standing: GpuStanding = book.recall(_GPUS, GpuStanding) or GpuStanding()
        self._vram: dict[str, vram.Standing] = book.recall(_VRAM, dict[str, vram.Standing]) or {}
        self._shut: set[str] = set()

    def may_start(self, program: str) -> bool:
        """Return whether a program's GPU is free of what its last life has left there."""
        return program not in self._shut

    def look(self, now: Now, oom_kills: int | None) -> None:
        """Judge the GPUs once, and answer what is found."""
        snapshot = now.sight.snapshot
        if snapshot is None or (snapshot.gpus is None and not self._standing.gpus):
            return
        seen = gpu.Seen(
            at_s=snapshot.taken_monotonic_s,
            gpus=snapshot.gpus,
            xids=snapshot.xids,
            watchdog_pid=snapshot.watchdog_pid,
        )
        before = self._standing
        self._standing, findings = gpu.judge(before, seen, self._rules)
        if _lasting(before) != _lasting(self._standing):
            self._book.remember(_GPUS, self._standing)
        findings += self._watch_vram(now.sight, snapshot.gpus or ())
        for finding in findings:
            self._answer(finding, now, oom_kills)

    def is_over(self, incident: Incident) -> bool:
        """Return whether what an incident is about is over, as far as a GPU's state goes."""
        if incident.cause not in STATES:
            return False
        held = {f"{index} {cause}" for index, cause in gpu.holding(self._standing)}
        return incident.evidence.get("gpu_state") not in held

    def _watch_vram(self, sight: Sight, gpus: Sequence[Gpu]) -> list[Finding]:
        """Look whether the memory of dead WebUIs is back; shut out the next life where not."""
        known, findings, shut = dict(self._vram), [], set()
        for card in gpus:
            program = handiwork.webui_of_gpu(self._plan, str(card.index))
            if program is None:
                continue
            if self._is_stale(sight, program):
                shut.add(program.name)
                continue
            key = card.uuid or str(card.index)
            seen = _memory_seen(card, sight, program)
            before = known.get(key, vram.Standing())
            known[key], gate = vram.judge(before, seen, self._vram_rules)
            findings += [gate.finding] if gate.finding is not None else []
            shut |= set() if gate.may_start else {program.name}
        if known != self._vram:
            self._vram = known
            self._book.remember(_VRAM, known)
        for name in shut - self._shut:
            _log.info("%s waits: the GPU memory of its last life is not back yet", name)
        self._shut = shut
        return findings

    def _is_stale(self, sight: Sight, program: Program) -> bool:
        """Return whether a program has died and the snapshot is from before.

        Its memory was in use then. A watchdog that leaves no other snapshot holds nobody up for
        longer than it may be silent.
        """
        info, snapshot = sight.infos.get(program.name), sight.snapshot
        reading = snapshot.program(program.name) if snapshot is not None else None
        if snapshot is None or info is None or info.pid or reading is None or reading.pid is None:
            return False
        age_s = sight.now_s - snapshot.taken_monotonic_s
        return age_s < self._plan.settings.keeper.watchdog_silence_s

    def _answer(self, finding: Finding, now: Now, oom_kills: int | None) -> None:
        index = finding.gpu
        program = None if index is None else handiwork.webui_of_gpu(self._plan, str(index))
        victim = self._victim(program, finding, now)
        incident = self._opened(finding, program, now, oom_kills)
        if finding.answer == Answer.REPLACE_WORKER:
            self._replace(incident, finding)
        elif finding.answer == Answer.RESTART_PROGRAM and victim is not None:
            self._restart(victim, finding, incident, now)
        elif finding.cause not in STATES:
            self._book.close(incident)

    def _victim(self, program: Program | None, finding: Finding, now: Now) -> str | None:
        """Return the program that had the GPU when it happened; one started since is spared."""
        info = now.sight.infos.get(program.name) if program is not None else None
        born_s = self._births.of(info.name, info.pid) if info is not None and info.pid else None
        older = born_s is not None and born_s <= finding.at_s
        return info.name if info is not None and older else None

    def _opened(
        self, finding: Finding, program: Program | None, now: Now, oom_kills: int | None
    ) -> Incident:
        name = program.name if program is not None else WORKER
        info = now.sight.infos.get(name)
        where = "a GPU" if finding.gpu is None else f"GPU {finding.gpu}"
        evidence = deaths.evidence(now.sight, name, None, oom_kills) | finding.evidence
        evidence["gpu_state"] = f"{finding.gpu} {finding.cause}"
        why = Explanation(finding.cause, f"{where} {finding.sentence}")
        # What lasts is the GPU's, not that of a process that may be gone sooner.
        pid = info.pid if info is not None and finding.cause not in STATES else 0
        return self._book.open(name, why, pid=pid, evidence=evidence)

    def _restart(self, victim: str, finding: Finding, incident: Incident, now: Now) -> None:
        info = now.sight.infos[victim]
        record = replace(
            now.records[victim],
            taking_down=finding.cause,
            taking_down_since_s=now.sight.now_s,
            taking_down_pid=info.pid,
        )
        now.keep(victim, record)
        # Its CUDA context is lost: no job of its can end well.
        self._book.act(incident, "kill", self._hands.kill(victim, info.pid))

    def _replace(self, incident: Incident, finding: Finding) -> None:
        chosen = self._plan.settings.restart
        if chosen.escalation == "hold":
            self._book.act(incident, "note", 'not replaced: restart.escalation is "hold"')
            return
        _log.critical("GPU %s cannot be used any more: replacing the worker", finding.gpu)
        at_once = chosen.escalation == "exit"
        outcome = self._hands.end(chosen.exit_code, at_once=at_once)
        self._book.act(incident, "end", outcome)


def _memory_seen(card: Gpu, sight: Sight, program: Program) -> vram.Seen:
    info = sight.infos.get(program.name)
    reading = sight.snapshot.program(program.name) if sight.snapshot is not None else None
    alive = info is not None and info.pid > 0
    return vram.Seen(
        at_s=sight.snapshot.taken_monotonic_s if sight.snapshot is not None else sight.now_s,
        gpu=card.index,
        used_bytes=card.memory_used_bytes,
        occupied=alive or bool(reading is not None and reading.processes),
        capacity_bytes=card.memory_capacity_bytes,
        processes=card.health.processes,
    )


def _lasting(standing: GpuStanding) -> GpuStanding:
    """Return what must outlive the keeper, without the instant of the last look."""
    return replace(standing, at_s=None)
