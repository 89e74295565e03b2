"""What do operators want, and which steps lead there?

Covers: orders as they come, what is wanted because of them, which programs must not run meanwhile,
and the next steps. Level-triggered: steps follow from what is wanted and what is, so a keeper that
was killed between two of them carries on.
Leaves out: doing them (`podkeeper.loops.desk`), how orders travel (`hooks.plugin_orders`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: The program that takes jobs: while it does not run there is no job to be cut.
INTAKE = "handler"
KEEPER = "keeper"
_UP = ("STARTING", "RUNNING", "BACKOFF")
_BUSY = (*_UP, "STOPPING")


class Name(StrEnum):
    """What can be ordered."""

    DRAIN = "drain"
    RESUME = "resume"
    RESTART = "restart"
    RESTART_WHEN_IDLE = "restart_when_idle"
    RELOAD = "reload"
    RELOAD_NOW = "reload_now"


class Kind(StrEnum):
    """What is to become of a program."""

    RESTART = "restart"
    #: Its section of the configuration changed: out with it, and in again.
    REPLACE = "replace"
    ADD = "add"
    REMOVE = "remove"


class Step(StrEnum):
    """One thing to do for a program on its way."""

    STOP = "stop"
    START = "start"
    DROP = "drop"
    ADD = "add"
    #: Nothing is left to be done.
    DONE = "done"


@dataclass(frozen=True)
class Order:
    """One order of an operator."""

    #: Rises from one order to the next.
    number: int
    name: str
    #: The program it is about; empty where it is about none.
    argument: str
    #: Wall clock.
    at_s: float


@dataclass(frozen=True)
class Pending:
    """One program that is to be restarted, replaced, added or removed."""

    program: str
    kind: Kind
    #: Whether it waits until no job can be cut.
    when_idle: bool
    #: Wall clock.
    asked_at_s: float


@dataclass(frozen=True)
class Reload:
    """A new configuration that lies ready."""

    #: Whether it waits until no job can be cut.
    when_idle: bool
    asked_at_s: float


@dataclass(frozen=True)
class Wanted:
    """What operators want of the worker. It outlives the keeper."""

    #: Wall clock; None while the worker is to take jobs.
    drained_since_s: float | None = None
    pending: tuple[Pending, ...] = ()
    reload: Reload | None = None
    #: Why the keeper itself lets no job in: the signals that are too short for one.
    paused: tuple[str, ...] = ()
    #: Whether the intake is kept down now, and so has to be let go when nothing holds it any more.
    holding: bool = False


def take(wanted: Wanted, order: Order, programs: Collection[str]) -> tuple[Wanted, str]:
    """Return what is wanted after an order other than a reload, and the answer in words."""
    if order.name == Name.DRAIN:
        if wanted.drained_since_s is not None:
            return wanted, "is being drained already"
        kept = tuple(each for each in wanted.pending if not _restarts(each, INTAKE))
        return replace(wanted, drained_since_s=order.at_s, pending=kept), "takes no more jobs"
    if order.name == Name.RESUME:
        return replace(wanted, drained_since_s=None), "takes jobs again"
    if order.name in (Name.RESTART, Name.RESTART_WHEN_IDLE):
        return _take_restart(wanted, order, programs)
    return wanted, "unknown order"


def _restarts(pending: Pending, program: str) -> bool:
    return pending.program == program and pending.kind == Kind.RESTART


def _take_restart(wanted: Wanted, order: Order, programs: Collection[str]) -> tuple[Wanted, str]:
    program = order.argument
    if program not in programs:
        return wanted, f"there is no program {program}"
    if program == INTAKE and wanted.drained_since_s is not None:
        return wanted, f"{program} is drained; resume starts it"
    # The handler's own stop waits for its job, and nobody's job hangs on keeper and watchdog.
    waits = order.name == Name.RESTART_WHEN_IDLE and disturbs(program)
    pending = Pending(program, Kind.RESTART, waits, order.at_s)
    return with_pending(wanted, [pending]), f"{program} will be restarted"


def disturbs(program: str) -> bool:
    """Return whether a program's restart can cut a job short."""
    return program not in (INTAKE, KEEPER, "watchdog")


def with_pending(wanted: Wanted, new: list[Pending]) -> Wanted:
    """Return what is wanted with something new for some programs.

    For one program the stronger deed stands, and the more urgent of two wishes.
    """
    pending = {each.program: each for each in wanted.pending}
    for each in new:
        known = pending.get(each.program)
        if known is not None:
            kind = known.kind if each.kind == Kind.RESTART else each.kind
            waits = known.when_idle and each.when_idle
            each = replace(each, kind=kind, when_idle=waits)  # noqa: PLW2901 - the merged one
        pending[each.program] = each
    return replace(wanted, pending=tuple(pending.values()))


def without_pending(wanted: Wanted, program: str) -> Wanted:
    """Return what is wanted once a program is where it was to be."""
    kept = tuple(each for each in wanted.pending if each.program != program)
    return replace(wanted, pending=kept)


def holds(wanted: Wanted) -> bool:
    """Return whether the intake must not run now."""
    waiting = any(each.when_idle for each in wanted.pending)
    reloading = wanted.reload is not None and wanted.reload.when_idle
    return wanted.drained_since_s is not None or bool(wanted.paused) or waiting or reloading


def is_idle(states: Mapping[str, str]) -> bool:
    """Return whether no job can be in hand: the intake's process is gone, not merely silent."""
    return states.get(INTAKE) not in _BUSY


def in_hand(wanted: Wanted, states: Mapping[str, str]) -> frozenset[str]:
    """Return the programs that are not to be judged as usual: somebody wants something else."""
    idle = is_idle(states)
    due = {each.program for each in wanted.pending if idle or not each.when_idle}
    return frozenset(due | ({INTAKE} if holds(wanted) else set()))


def steps(wanted: Wanted, states: Mapping[str, str]) -> Iterator[tuple[Step, str]]:
    """Give what is to be done now, given supervisord's word for each program it knows."""
    if holds(wanted) and states.get(INTAKE) in _UP:
        yield Step.STOP, INTAKE
    idle = is_idle(states)
    for pending in wanted.pending:
        if idle or not pending.when_idle:
            step = _step(pending.kind, states.get(pending.program))
            if step is not None:
                yield step, pending.program


def _step(kind: Kind, state: str | None) -> Step | None:
    if state is None:
        return Step.ADD if kind in (Kind.REPLACE, Kind.ADD) else Step.DONE
    if kind == Kind.ADD:
        return Step.DONE
    if state == "STOPPING":
        return None
    if state in _UP:
        return Step.STOP
    return Step.START if kind == Kind.RESTART else Step.DROP
