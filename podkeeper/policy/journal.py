"""What becomes of a job that stands in the journal?

Covers: which state may follow which, what a new handler does with what a killed one left, what a
second grant of the same job means, and when a job is poison. Pure.
Leaves out: what an answer to a delivery means (`policy.delivery`), keeping the entries
(`podkeeper.recorders.journal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from podkeeper.model.journal import State

if TYPE_CHECKING:
    from podkeeper.model.journal import Entry
    from podkeeper.model.moment import Moment

_ENDS = {State.RELEASED, State.EXPIRED, State.UNWANTED}
#: From each state to those that may follow. A job that has ended begins anew only by another grant.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.ACCEPTED: frozenset({State.RUNNING, State.FINISHED, *_ENDS}),
    State.RUNNING: frozenset({State.ACCEPTED, State.FINISHED, *_ENDS}),
    State.FINISHED: frozenset({State.ACCEPTED, State.DELIVERED, State.EXPIRED, State.UNWANTED}),
    State.DELIVERED: frozenset({State.ACCEPTED, State.FINISHED}),
    State.RELEASED: frozenset({State.ACCEPTED, State.EXPIRED, State.UNWANTED}),
    State.EXPIRED: frozenset({State.ACCEPTED}),
    State.UNWANTED: frozenset({State.ACCEPTED}),
}


class StepError(ValueError):
    """A job cannot take this step from the state it is in."""


@dataclass(frozen=True)
class Rules:
    """When a job is given up."""

    #: Deaths of WebUIs, or of handlers, that a job may cause.
    attempts: int
    #: How long nobody may have worked on a job that is taken up again without another grant.
    take_up_s: float
    #: How long after its grant an interrupted job may be begun again.
    job_timeout_s: float
    #: How long a result is worth delivering.
    result_keep_s: float


@dataclass(frozen=True)
class Left:
    """What a former handler left of one job beside its entry."""

    #: Whether there is a result that waits for delivery.
    result: bool
    #: Whether there is the input.
    job: bool
    #: Whether this is still the same worker to the platform.
    same_pod: bool
    #: For how long no handler has been there.
    silence_s: float


class Duty(Enum):
    """What a new handler has to do about a job of a former one."""

    RUN = "run"
    DELIVER = "deliver"
    FAIL_POISON = "fail: poison"
    FAIL_LATE = "fail: too old to begin again"
    NOTHING = "nothing"


class Grant(Enum):
    """What another grant of a known job asks for."""

    #: Work on it.
    RUN = "run"
    #: Nothing: it is in hand already.
    HELD = "held"
    #: The result that there is.
    ANSWER = "answer"
    #: The error that says why it is never run again.
    FAIL = "fail"


def moved(entry: Entry, state: State, now: Moment, **changes: Any) -> Entry:
    """Return the entry in another state.

    Raises:
        StepError: That state cannot follow.
    """
    if state not in TRANSITIONS[entry.state]:
        raise StepError(f"cannot move job {entry.id} to {state}: it is {entry.state}")
    return replace(entry, state=state, changed=now, **changes)


def begun(entry: Entry, now: Moment) -> Entry:
    """Return the entry with one more attempt."""
    return moved(entry, State.RUNNING, now, attempts=entry.attempts + 1, phase="waiting", note="")


def finished(entry: Entry, now: Moment, code: str | None, result_bytes: int | None) -> Entry:
    """Return the entry with a result, whose age counts from now."""
    return moved(
        entry,
        State.FINISHED,
        now,
        finished=now,
        code=code,
        result_bytes=result_bytes,
        phase="delivering",
        webui=None,
        tries=0,
    )


def is_poison(entry: Entry, attempts: int) -> bool:
    """Return whether the job has killed as often as it may: it is never run again."""
    return max(entry.webui_deaths, entry.handler_deaths) >= attempts


def is_stale(entry: Entry, now: Moment, rules: Rules) -> bool:
    """Return whether a result, or the wait for another grant, has lasted too long."""
    since = entry.finished if entry.state is State.FINISHED else entry.changed
    return since is not None and since.age_s(now) >= rules.result_keep_s


def taken_up(entry: Entry, left: Left, now: Moment, rules: Rules) -> tuple[Entry, Duty]:
    """Return the entry as a new handler takes it from a former one, and what is to be done.

    A job that was running was in the hands of a handler that was killed, perhaps by the job.
    """
    if not entry.open:
        waits_in_vain = entry.state is State.RELEASED and is_stale(entry, now, rules)
        return expired(entry, now) if waits_in_vain else entry, Duty.NOTHING
    if left.result:
        there = entry if entry.state is State.FINISHED else finished(entry, now, None, None)
        return there, Duty.DELIVER
    deaths = entry.handler_deaths + (entry.state is State.RUNNING)
    found = replace(entry, handler_deaths=deaths, webui=None, finished=None)
    if found.state is not State.ACCEPTED:
        found = moved(found, State.ACCEPTED, now)
    if is_poison(found, rules.attempts):
        return found, Duty.FAIL_POISON
    if not (left.job and left.same_pod) or left.silence_s >= rules.take_up_s:
        return moved(found, State.RELEASED, now, note="interrupted too long ago"), Duty.NOTHING
    if entry.granted.age_s(now) >= rules.job_timeout_s:
        return found, Duty.FAIL_LATE
    return found, Duty.RUN


def expired(entry: Entry, now: Moment) -> Entry:
    """Return the entry of a released job that has waited long enough for another grant."""
    return moved(entry, State.EXPIRED, now, note="interrupted, and never granted again")


def granted_again(
    entry: Entry, pod: str, now: Moment, attempts: int, *, answered: bool
) -> tuple[Entry, Grant]:
    """Return the entry after one more grant of the same job, and what that asks for.

    A grant is one demand for a result. While the job is in hand its one result will do. One that
    was delivered is delivered again, since a platform that asks does not have it; but a failed job
    is tried again, which is what a client's retry is for. The seeds stay.

    Args:
        entry: The job as it is known.
        pod: The worker's name on the platform.
        now: This moment.
        attempts: Deaths that a job may cause.
        answered: Whether the result that was delivered is still there.
    """
    again = replace(entry, pod=pod, granted=now, grants=entry.grants + 1)
    if entry.state in (State.ACCEPTED, State.RUNNING):
        return again, Grant.HELD
    if entry.state is State.FINISHED:
        return again, Grant.ANSWER
    if entry.state is State.DELIVERED and entry.code is None and answered:
        return moved(again, State.FINISHED, now, finished=now, tries=0), Grant.ANSWER
    fresh = moved(again, State.ACCEPTED, now, finished=None, code=None, result_bytes=None)
    return fresh, Grant.FAIL if is_poison(fresh, attempts) else Grant.RUN
