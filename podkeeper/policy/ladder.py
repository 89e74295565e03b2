"""What is due for something that is running out?

Covers: from every squeezed signal and what was done about it to at most one move: note, reclaim,
pause, restart between jobs, take down, kill. The order is the same for all; how far it goes depends
on the kind. One victim at a time, never a second deed on one reading, and a pause after each.
Leaves out: pressure itself (`policy.pressure`), doing it (`podkeeper.loops.relief`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from podkeeper.policy.pressure import Pressure
from podkeeper.policy.signals import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from podkeeper.policy.signals import Signal


class Rung(IntEnum):
    """What can be done, mildest first."""

    NOTE = 1
    #: Give back what nobody needs: caches, garbage, files that may go.
    RECLAIM = 2
    #: Take no further job while it lasts.
    PAUSE = 3
    #: Let the jobs in hand end, then restart the victim.
    RESTART = 4
    TAKE_DOWN = 5
    KILL = 6

    @property
    def word(self) -> str:
        """Return it as it stands in incidents and logs."""
        return self.name.lower()


#: Kinds whose victim is a program that a restart relieves.
_OF_PROGRAMS = (Kind.PROGRAM_MEMORY, Kind.MEMORY, Kind.VRAM, Kind.OPEN_FILES)
#: Which of two equally squeezed signals is answered first: the one that names its program.
_ORDER = tuple(Kind)


@dataclass(frozen=True)
class Rules:
    """How patient the ladder is."""

    #: Reclaims for one spell of pressure.
    reclaims: int
    #: How long a reclaim is given to show its effect.
    reclaim_wait_s: float
    #: How long jobs in hand may take before a restart waits for them no more.
    drain_wait_s: float
    #: Quiet time between two reclaims, and after a victim before the next.
    cooldown_s: float


@dataclass(frozen=True)
class Squeeze:
    """One signal that is squeezed, and whom it would be relieved by."""

    signal: Signal
    pressure: Pressure
    #: The program that a restart would take it from; empty where no restart helps.
    victim: str = ""
    pid: int = 0
    #: Whether the victim has a job in hand. Unknown is None, and spared like one that has.
    busy: bool | None = None
    #: Whether the victim has had a job in this life: then its restart is no sign of a crash loop.
    worked: bool = False
    #: Whether anything can be asked to give back what it does not need.
    reclaimable: bool = False
    #: Whether it is foreseen that nothing will be left before long.
    foreseen: bool = False


@dataclass(frozen=True)
class Climb:
    """What was done about one signal in this spell. Instants are monotonic."""

    noted: bool = False
    reclaims: int = 0
    reclaimed_at_s: float | None = None
    #: When the last reclaim was over; None while it is on its way.
    gave_at_s: float | None = None
    #: When jobs were held back, for a restart between them or a pause, and for which process.
    held_at_s: float | None = None
    pid: int = 0
    #: Whether that process is to be restarted between jobs.
    restarting: bool = False
    #: The reading that the last deed was done on.
    acted_on_s: float | None = None


@dataclass(frozen=True)
class Move:
    """One thing to do about one signal."""

    rung: Rung
    squeeze: Squeeze


Climbs = dict["Signal", Climb]


@dataclass(frozen=True)
class Moment:
    """When a decision is made, and who is in the middle of something."""

    #: When the readings were taken, and the present.
    read_at_s: float
    now_s: float
    #: Programs that are on their way down.
    leaving: Collection[str] = ()
    #: Programs that are to be restarted between jobs.
    waiting: Collection[str] = ()
    #: Programs that had their deed a short while ago.
    spared: Collection[str] = ()
    #: When a program's process ended last: it has given back its memory since.
    died_at_s: float = -math.inf


def judge(
    squeezes: Sequence[Squeeze], climbs: Mapping[Signal, Climb], rules: Rules, moment: Moment
) -> tuple[Climbs, Move | None]:
    """Return what is remembered of each squeezed signal, and the one move that is due.

    What is not among the squeezed starts anew.
    """
    kept = {each.signal: climbs.get(each.signal, Climb()) for each in squeezes}
    for squeeze in sorted(squeezes, key=_urgency):
        climb = _of_this_life(kept[squeeze.signal], squeeze)
        if climb.acted_on_s == moment.read_at_s or _is_outdated(squeeze, moment):
            continue
        rung = _rung(squeeze, climb, rules, moment)
        if rung is None or not _allowed(rung, squeeze.victim, moment):
            continue
        kept[squeeze.signal] = _after(rung, climb, squeeze, moment)
        return kept, Move(rung, squeeze)
    return kept, None


def _is_outdated(squeeze: Squeeze, moment: Moment) -> bool:
    """Return whether the container was read while somebody who is gone still filled it."""
    return squeeze.signal.kind == Kind.MEMORY and moment.read_at_s <= moment.died_at_s


def _urgency(squeeze: Squeeze) -> tuple[int, int, str]:
    kind = squeeze.signal.kind
    return -squeeze.pressure, _ORDER.index(kind), squeeze.signal.subject


def _of_this_life(climb: Climb, squeeze: Squeeze) -> Climb:
    """Return what was done to this very process: another one is asked anew."""
    if climb.held_at_s is not None and climb.pid != squeeze.pid:
        return Climb(noted=climb.noted, acted_on_s=climb.acted_on_s)
    return climb


def _allowed(rung: Rung, victim: str, moment: Moment) -> bool:
    """Return whether the rung may be climbed while others are on their way down."""
    if rung < Rung.RESTART:
        return True
    if any(each != victim for each in (*moment.leaving, *moment.waiting)):
        return False
    if rung == Rung.KILL:
        return True  # also of what was asked to end, and takes too long
    fresh = victim not in moment.leaving and victim not in moment.spared
    return fresh and (rung == Rung.TAKE_DOWN or victim not in moment.waiting)


def _rung(squeeze: Squeeze, climb: Climb, rules: Rules, moment: Moment) -> Rung | None:
    if squeeze.signal.kind == Kind.CPU:
        return None  # others wait for it (`policy.cpu`), which is all there is to be done
    if squeeze.signal.kind == Kind.VRAM:
        return _between_jobs(squeeze, climb, rules, moment)
    if squeeze.pressure == Pressure.SOFT:
        return _soft(squeeze, climb, rules, moment)
    if squeeze.victim and squeeze.signal.kind in _OF_PROGRAMS:
        return _hard(squeeze, climb, rules, moment)
    return _without_victim(squeeze, climb, rules, moment)


def _may_reclaim(squeeze: Squeeze, climb: Climb, rules: Rules, now_s: float) -> bool:
    last_s = climb.reclaimed_at_s
    rested = last_s is None or now_s - last_s >= rules.cooldown_s
    return squeeze.reclaimable and climb.reclaims < rules.reclaims and rested


def _waits_for_reclaim(climb: Climb, rules: Rules, moment: Moment) -> bool:
    """Return whether what was asked to give back may still do so: until a reading after its end."""
    begun_s, ended_s = climb.reclaimed_at_s, climb.gave_at_s
    if begun_s is None or (ended_s is not None and moment.read_at_s > ended_s):
        return False
    return moment.now_s - begun_s < rules.reclaim_wait_s


def _soft(squeeze: Squeeze, climb: Climb, rules: Rules, moment: Moment) -> Rung | None:
    if not climb.noted:
        return Rung.NOTE
    if _may_reclaim(squeeze, climb, rules, moment.now_s):
        return Rung.RECLAIM
    helps = squeeze.victim and squeeze.signal.kind in _OF_PROGRAMS
    if squeeze.foreseen and helps and not _waits_for_reclaim(climb, rules, moment):
        return None if climb.restarting else Rung.RESTART
    return None


def _hard(squeeze: Squeeze, climb: Climb, rules: Rules, moment: Moment) -> Rung | None:
    """Climb as far as time allows: what is critical cannot wait for anybody.

    Jobs are held back before anything is reclaimed: it must not fill while it is emptied.
    """
    if squeeze.pressure == Pressure.CRITICAL:
        return Rung.KILL
    if climb.restarting:
        held_s = moment.now_s - (climb.held_at_s or 0.0)
        return Rung.TAKE_DOWN if held_s >= rules.drain_wait_s else None
    if _may_reclaim(squeeze, climb, rules, moment.now_s):
        return Rung.PAUSE if climb.held_at_s is None else Rung.RECLAIM
    if _waits_for_reclaim(climb, rules, moment):
        return None
    return Rung.TAKE_DOWN if squeeze.busy is False and not squeeze.worked else Rung.RESTART


def _between_jobs(squeeze: Squeeze, climb: Climb, rules: Rules, moment: Moment) -> Rung | None:
    """Climb only while no job runs: a job that fills the GPU is what it is there for."""
    if squeeze.busy is not False:
        return None
    if _may_reclaim(squeeze, climb, rules, moment.now_s):
        return Rung.RECLAIM
    if squeeze.pressure < Pressure.HARD or _waits_for_reclaim(climb, rules, moment):
        return None
    return Rung.RESTART if squeeze.victim and not climb.restarting else None


def _without_victim(squeeze: Squeeze, climb: Climb, rules: Rules, moment: Moment) -> Rung | None:
    """Climb where no restart would help: take no more jobs, and give back what can be."""
    if climb.held_at_s is None:
        return Rung.PAUSE
    return Rung.RECLAIM if _may_reclaim(squeeze, climb, rules, moment.now_s) else None


def _after(rung: Rung, climb: Climb, squeeze: Squeeze, moment: Moment) -> Climb:
    climb = replace(climb, noted=True, pid=squeeze.pid, acted_on_s=moment.read_at_s)
    if rung == Rung.RECLAIM:
        begun_s = moment.now_s
        return replace(climb, reclaims=climb.reclaims + 1, reclaimed_at_s=begun_s, gave_at_s=None)
    if rung in (Rung.PAUSE, Rung.RESTART):
        held_at_s = moment.now_s if climb.held_at_s is None else climb.held_at_s
        return replace(climb, held_at_s=held_at_s, restarting=rung == Rung.RESTART)
    return climb


def after_reclaim(climb: Climb, now_s: float) -> Climb:
    """Return what was done about a signal once a reclaim for it is over."""
    return replace(climb, gave_at_s=now_s)


def after_pause(climb: Climb) -> Climb:
    """Return what was done about a signal once jobs are no longer held back for it."""
    return climb if climb.restarting else replace(climb, held_at_s=None)
