"""What does the keeper do about whatever is running out?

Covers: from a snapshot's signals to squeezes with their victims, and the one move of a look: its
incident, a second reading before any kill, the deed, the end of it all.
Leaves out: which move is due (`policy.ladder`), who can give something back (`actuators`).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from podkeeper.loops import deaths, handiwork, squeezes
from podkeeper.policy import ladder
from podkeeper.policy.cause import Cause, Explanation
from podkeeper.policy.ladder import Moment, Rules, Rung
from podkeeper.policy.pressure import Pressure
from podkeeper.policy.signals import Kind, Signal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from podkeeper.loops.desk import Desk, Now
    from podkeeper.loops.incidents import IncidentBook
    from podkeeper.loops.sight import Sight
    from podkeeper.loops.squeezes import Found
    from podkeeper.loops.world import Means, World
    from podkeeper.model.incident import Incident
    from podkeeper.settings.plan import Plan

_log = logging.getLogger("keeper")
#: Whose incident it is where no program is to blame.
WORKER = "worker"
_CAUSES = {
    Kind.MEMORY: Cause.CONTAINER_MEMORY,
    Kind.VRAM: Cause.VRAM,
    Kind.DISK: Cause.DISK_LOW,
    Kind.INODES: Cause.INODES_LOW,
    Kind.OPEN_FILES: Cause.OPEN_FILES,
}
#: Causes of incidents that last as long as their signal is squeezed.
LASTING = frozenset({*_CAUSES.values(), Cause.MEMORY_SOFT, Cause.MEMORY_HARD})


def rules_of(plan: Plan) -> Rules:
    """Return how patient the settings are."""
    memory = plan.settings.memory
    return Rules(memory.reclaims, memory.reclaim_wait_s, memory.drain_wait_s, memory.cooldown_s)


def cause_of(found: Found) -> Cause:
    """Return the word for why something is done about a signal."""
    if found.squeeze.signal.kind == Kind.PROGRAM_MEMORY:
        soft = found.squeeze.pressure == Pressure.SOFT
        return Cause.MEMORY_SOFT if soft else Cause.MEMORY_HARD
    return _CAUSES[found.squeeze.signal.kind]


class Relief:
    """Relieves what is squeezed, one move at a look."""

    def __init__(
        self, plan: Plan, world: World, means: Means, book: IncidentBook, desk: Desk
    ) -> None:
        self._plan = plan
        self._world = world
        self._hands = means.hands
        self._givers = means.givers
        self._book = book
        self._desk = desk
        self._rules = rules_of(plan)
        self._climbs: ladder.Climbs = {}
        #: The process of each WebUI that last had a job.
        self._worked: dict[str, int] = {}

    def look(self, now: Now, oom_kills: int | None) -> None:
        """Do the one thing that is due about what is squeezed, if anything is."""
        self._collect(now.sight.now_s)
        self._note_work(now.sight)
        if now.sight.snapshot is None:
            return
        found = self._found(now.sight)
        self._let_go(found)
        given = {each.squeeze.signal: each for each in found}
        squeezed = [each.squeeze for each in found]
        moment = self._moment(now, now.sight.snapshot.taken_monotonic_s)
        self._climbs, move = ladder.judge(squeezed, self._climbs, self._rules, moment)
        if move is not None:
            self._do(move.rung, given[move.squeeze.signal], now, oom_kills)

    def is_over(self, incident: Incident, sight: Sight) -> bool:
        """Return whether what an incident of a squeeze is about is squeezed no more."""
        if incident.cause not in LASTING or sight.snapshot is None:
            return False
        key = incident.evidence.get("signal")
        return key not in {str(each.squeeze.signal) for each in self._found(sight)}

    def _found(self, sight: Sight) -> list[Found]:
        known = squeezes.Known(self._is_reclaimable, self._worked)
        return squeezes.find(sight, self._plan, known)

    def _note_work(self, sight: Sight) -> None:
        """Remember which processes have had a job."""
        for program in self._plan.of_role("webui"):
            info = sight.infos.get(program.name)
            if info is not None and handiwork.has_worked(sight, program):
                self._worked[program.name] = info.pid

    def _is_reclaimable(self, signal: Signal, victim: str) -> bool:
        return any(each.can(signal, victim) for each in self._givers)

    def _moment(self, now: Now, read_at_s: float) -> Moment:
        now_s = now.sight.now_s
        own = {
            name: each
            for name, each in now.records.items()
            if each.taking_down not in (None, Cause.REQUESTED)
        }
        spared = [name for name, each in now.records.items() if each.cooldown_until_s > now_s]
        waiting, died_at_s = self._desk.to_be_restarted, now.died_at_s
        return Moment(read_at_s, now_s, set(own), waiting, set(spared), died_at_s)

    def _let_go(self, found: Iterable[Found]) -> None:
        """Let jobs in again where what held them back is well above its hard line."""
        short = {str(each.squeeze.signal) for each in found if each.holds_back}
        for reason in self._desk.paused - short:
            self._desk.resume(reason)
            for signal, climb in self._climbs.items():
                if str(signal) == reason:
                    self._climbs[signal] = ladder.after_pause(climb)

    def _collect(self, now_s: float) -> None:
        """Write down what came of what others were asked to give back."""
        for giver in self._givers:
            for signal, outcome in giver.finished():
                if signal in self._climbs:
                    self._climbs[signal] = ladder.after_reclaim(self._climbs[signal], now_s)
                incident = self._incident(str(signal))
                if incident is None:
                    _log.info("Reclaim for %s: %s", signal, outcome)
                else:
                    self._book.act(incident, Rung.RECLAIM.word, outcome)

    def _incident(self, key: str, pid: int | None = None) -> Incident | None:
        """Return the newest open incident about a signal."""
        own = [
            each
            for each in self._book.opened
            if each.evidence.get("signal") == key and pid in (None, each.pid)
        ]
        return own[-1] if own else None

    def _do(self, rung: Rung, found: Found, now: Now, oom_kills: int | None) -> None:
        squeeze = found.squeeze
        if rung >= Rung.TAKE_DOWN and not self._still(found):
            return
        incident = self._opened(found, now.sight, oom_kills)
        if rung == Rung.RECLAIM:
            self._reclaim(found)
        elif rung == Rung.PAUSE:
            self._desk.pause(str(squeeze.signal))
            self._book.act(incident, rung.word, "takes no more jobs until there is room")
        elif rung == Rung.RESTART:
            self._desk.restart_between_jobs(squeeze.victim, now.sight.now_wall_s)
            self._book.act(incident, rung.word, f"as soon as no job is in hand{found.end}")
        elif rung >= Rung.TAKE_DOWN:
            self._end(rung, found, incident, now)

    def _still(self, found: Found) -> bool:
        """Return whether a second reading says the same, or cannot be had."""
        again = found.again(self._world)
        if again is None or again < found.hard:
            return True
        _log.info("%s was short for a moment only: nothing is done", found.squeeze.signal)
        return False

    def _opened(self, found: Found, sight: Sight, oom_kills: int | None) -> Incident:
        """Return the incident about a squeeze, opened if there is none yet."""
        squeeze, cause = found.squeeze, cause_of(found)
        known = self._incident(str(squeeze.signal), squeeze.pid)
        if known is not None and known.cause == cause:
            return known
        program = squeeze.victim or WORKER
        evidence = deaths.evidence(sight, program, None, oom_kills) | found.evidence
        why = Explanation(cause, found.sentence)
        return self._book.open(program, why, pid=squeeze.pid, evidence=evidence)

    def _reclaim(self, found: Found) -> None:
        squeeze = found.squeeze
        for giver in self._givers:
            if giver.can(squeeze.signal, squeeze.victim):
                idle = squeeze.busy is False
                giver.begin(squeeze.signal, squeeze.victim, found.missing, idle=idle)

    def _end(self, rung: Rung, found: Found, incident: Incident, now: Now) -> None:
        victim, pid, now_s = found.squeeze.victim, found.squeeze.pid, now.sight.now_s
        record = replace(
            now.records[victim],
            taking_down=cause_of(found),
            taking_down_since_s=now_s,
            taking_down_pid=pid,
            cooldown_until_s=now_s + self._rules.cooldown_s,
        )
        now.keep(victim, record)
        self._desk.no_restart(victim)
        # What supervisord brings back by itself it brings back only if it was not asked to stop it.
        if rung == Rung.KILL or self._plan.program(victim).resident:
            self._book.act(incident, Rung.KILL.word, self._hands.kill(victim, pid))
        else:
            self._book.act(incident, rung.word, self._hands.take_down(victim))
