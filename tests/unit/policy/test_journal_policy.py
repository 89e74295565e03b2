"""What becomes of a job that stands in the journal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from podkeeper.model.journal import OPEN, Entry, State
from podkeeper.model.moment import Moment
from podkeeper.policy import journal
from podkeeper.policy.journal import Duty, Grant, Left, Rules, StepError

RULES = Rules(attempts=2, take_up_s=300.0, job_timeout_s=600.0, result_keep_s=3600.0)
HERE = Left(result=False, job=True, same_pod=True, silence_s=3.0)


def at(s: float) -> Moment:
    """Return a moment of one boot."""
    return Moment(wall_s=1e9 + s, boot_s=s, boot="boot")


def entry(state: State = State.RUNNING, **changes: object) -> Entry:
    """Return a job that was granted at 0."""
    made = Entry(id="job", pod="pod", state=state, seed=7, granted=at(0), changed=at(0))
    return replace(made, **changes)


def test_an_age_outlives_processes_and_jumps_of_the_clock() -> None:
    """Within one boot the wall clock does not count; beyond it there is nothing else."""
    then = Moment(wall_s=1000.0, boot_s=50.0, boot="one")
    assert then.age_s(Moment(wall_s=9e9, boot_s=60.0, boot="one")) == 10.0
    assert then.age_s(Moment(wall_s=1030.0, boot_s=5.0, boot="two")) == 30.0
    assert replace(then, boot="").age_s(Moment(wall_s=1030.0, boot_s=5.0, boot="")) == 30.0
    assert then.age_s(Moment(wall_s=1.0, boot_s=5.0, boot="two")) == 0.0


def test_a_job_goes_its_way_and_no_other() -> None:
    """A job that has ended is neither begun nor delivered without another grant."""
    begun = journal.begun(entry(State.ACCEPTED), at(1))
    done = journal.finished(begun, at(2), None, 10)
    delivered = journal.moved(done, State.DELIVERED, at(3))
    assert (begun.attempts, done.result_bytes, delivered.changed) == (1, 10, at(3))
    for state in (State.RUNNING, State.DELIVERED, State.EXPIRED):
        with pytest.raises(StepError, match="cannot move job job to"):
            journal.moved(delivered, state, at(4))


@pytest.mark.parametrize(
    ("state", "left", "now_s", "becomes", "duty"),
    [
        # A finished result that was not delivered is delivered.
        (State.FINISHED, {"result": True}, 5, State.FINISHED, Duty.DELIVER),
        # Killed between the result's file and the entry.
        (State.RUNNING, {"result": True}, 5, State.FINISHED, Duty.DELIVER),
        # A job in the middle runs again.
        (State.RUNNING, {}, 5, State.ACCEPTED, Duty.RUN),
        (State.ACCEPTED, {}, 5, State.ACCEPTED, Duty.RUN),
        # A result that was in memory only.
        (State.FINISHED, {}, 5, State.ACCEPTED, Duty.RUN),
        # Others have it by now.
        (State.RUNNING, {"silence_s": 300.0}, 305, State.RELEASED, Duty.NOTHING),
        (State.RUNNING, {"same_pod": False}, 5, State.RELEASED, Duty.NOTHING),
        (State.RUNNING, {"job": False}, 5, State.RELEASED, Duty.NOTHING),
        # The platform has timed it out, or is about to.
        (State.RUNNING, {}, 600, State.ACCEPTED, Duty.FAIL_LATE),
        # What has ended stays so.
        (State.DELIVERED, {"result": True}, 5, State.DELIVERED, Duty.NOTHING),
        (State.UNWANTED, {}, 5, State.UNWANTED, Duty.NOTHING),
        (State.RELEASED, {}, 5, State.RELEASED, Duty.NOTHING),
        (State.RELEASED, {}, 3600, State.EXPIRED, Duty.NOTHING),
    ],
)
def test_a_new_handler_takes_up_what_a_killed_one_left(
    state: State, left: dict[str, object], now_s: float, becomes: State, duty: Duty
) -> None:
    """What there is decides: a result, an input, and how long nobody was there."""
    taken, found = journal.taken_up(
        entry(state, finished=at(0) if state is State.FINISHED else None),
        Left(**{**_fields(HERE), **left}),
        at(now_s),
        RULES,
    )
    assert (taken.state, found) == (becomes, duty)


def _fields(left: Left) -> dict[str, object]:
    return {name: getattr(left, name) for name in left.__dataclass_fields__}


def test_a_job_that_kills_again_is_poison() -> None:
    """The second handler that is killed with it, or the second WebUI, is the last one."""
    once, duty = journal.taken_up(entry(), HERE, at(5), RULES)
    assert (once.handler_deaths, duty) == (1, Duty.RUN)
    twice, duty = journal.taken_up(journal.begun(once, at(6)), HERE, at(9), RULES)
    assert (twice.handler_deaths, duty) == (2, Duty.FAIL_POISON)
    assert journal.taken_up(entry(webui_deaths=2), HERE, at(5), RULES)[1] is Duty.FAIL_POISON
    # One that nobody had begun was not what killed.
    assert journal.taken_up(entry(State.ACCEPTED), HERE, at(5), RULES)[0].handler_deaths == 0


@pytest.mark.parametrize(
    ("known", "answered", "becomes", "grant"),
    [
        (entry(State.ACCEPTED), False, State.ACCEPTED, Grant.HELD),
        (entry(State.RUNNING), False, State.RUNNING, Grant.HELD),
        (entry(State.FINISHED), False, State.FINISHED, Grant.ANSWER),
        (entry(State.DELIVERED), True, State.FINISHED, Grant.ANSWER),
        (entry(State.DELIVERED), False, State.ACCEPTED, Grant.RUN),
        (entry(State.DELIVERED, code="WEBUI_FAILED"), True, State.ACCEPTED, Grant.RUN),
        (entry(State.RELEASED), False, State.ACCEPTED, Grant.RUN),
        (entry(State.UNWANTED), False, State.ACCEPTED, Grant.RUN),
        (entry(State.EXPIRED), False, State.ACCEPTED, Grant.RUN),
        (
            entry(State.DELIVERED, code="POISON_JOB", webui_deaths=2),
            True,
            State.ACCEPTED,
            Grant.FAIL,
        ),
        (entry(State.RELEASED, handler_deaths=2), False, State.ACCEPTED, Grant.FAIL),
    ],
)
def test_a_second_grant_is_reconciled_by_id(
    known: Entry, becomes: State, grant: Grant, *, answered: bool
) -> None:
    """In hand it runs once; delivered it is answered from what there is; poison stays poison."""
    after, found = journal.granted_again(known, "pod-2", at(9), 2, answered=answered)
    assert (after.state, found) == (becomes, grant)
    assert (after.grants, after.granted, after.pod) == (2, at(9), "pod-2")
    assert after.seed == known.seed


ENTRIES = st.builds(
    entry,
    st.sampled_from(State),
    webui_deaths=st.integers(0, 3),
    handler_deaths=st.integers(0, 3),
    finished=st.one_of(st.none(), st.just(at(0))),
)
LEFTS = st.builds(
    Left,
    result=st.booleans(),
    job=st.booleans(),
    same_pod=st.booleans(),
    silence_s=st.floats(0, 1000),
)


@given(ENTRIES, LEFTS, st.floats(0, 5000))
def test_nothing_open_is_left_to_nobody(known: Entry, left: Left, now_s: float) -> None:
    """Each open job is run, delivered, failed or let go; poison is never run."""
    taken, duty = journal.taken_up(known, left, at(now_s), RULES)
    poison = journal.is_poison(taken, RULES.attempts)
    assert taken.open == (duty is not Duty.NOTHING)
    assert (duty is Duty.DELIVER) == (taken.state is State.FINISHED)
    assert not (duty is Duty.RUN and poison)
    assert duty is not Duty.RUN or left.job
    if known.state not in OPEN:
        assert not taken.open


@given(known=ENTRIES, answered=st.booleans())
def test_each_grant_gets_an_answer(known: Entry, *, answered: bool) -> None:
    """After a grant the job is this worker's to end; poison that is at rest is never run."""
    after, grant = journal.granted_again(known, "pod", at(9), 2, answered=answered)
    assert after.open
    assert (grant is Grant.ANSWER) == (after.state is State.FINISHED)
    assert not (grant is Grant.RUN and journal.is_poison(after, 2))
