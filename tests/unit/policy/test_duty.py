"""What is due for one program."""

from __future__ import annotations

from dataclasses import replace

import pytest

from podkeeper.policy import duty
from podkeeper.policy.cause import Cause
from podkeeper.policy.duty import Deed, Facts, Record, Rules
from podkeeper.policy.restarts import History, RestartPolicy

RULES = Rules(
    restart=RestartPolicy(1, 2, 60, 0, 60, 3, 600),
    startup_deadline_s=100,
    take_down_wait_s=5,
)
UP = Facts(state="RUNNING", pid=7, ever_started=True, running_s=10.0, ready=True)
EXITED = Facts(state="EXITED", pid=0, ever_started=True, running_s=None)
STOPPED = Facts(state="STOPPED", pid=0, ever_started=True, running_s=None)


def judged(facts: Facts, record: Record, now_s: float = 50.0, rules: Rules = RULES):
    """Return what the judge says of the facts."""
    return duty.judge(facts, record, rules, now_s, 0.0)


def test_a_healthy_program_is_left_alone() -> None:
    """A program that runs, is ready and has room is due nothing."""
    assert judged(UP, Record())[1] is None


def test_a_program_that_was_never_started_starts_when_its_gate_opens() -> None:
    """The handler waits for what it needs, and then starts."""
    new = replace(STOPPED, ever_started=False)
    assert judged(replace(new, gate_open=False), Record())[1] is None
    verdict = judged(new, Record())[1]
    assert verdict is not None
    assert verdict.deed == Deed.START


def test_what_an_operator_stopped_stays_stopped() -> None:
    """A program that ran and was stopped on request is not started again."""
    assert judged(STOPPED, Record())[1] is None


def test_a_death_is_answered_at_once_and_the_next_after_a_wait() -> None:
    """The first restart is due immediately, the second after the first backoff."""
    record, verdict = duty.after_death(Record(), RULES, 10.0, 50.0, 0.0)
    assert verdict is None
    started = judged(EXITED, record, 50.0)[1]
    assert started is not None
    assert started.deed == Deed.START
    record = duty.after_start(record, RULES, 50.0, is_restart=True)
    record, _ = duty.after_death(record, RULES, 1.0, 51.0, 0.0)
    assert judged(EXITED, record, 51.5)[1] is None
    assert judged(EXITED, record, 52.0)[1] is not None


def test_a_restart_waits_for_its_gate() -> None:
    """A handler that died is not started while no WebUI is ready."""
    record = Record(restart_at_s=50.0)
    assert judged(replace(EXITED, gate_open=False), record, 60.0)[1] is None


def test_a_death_nobody_reported_is_answered_too() -> None:
    """A program found down without a death on record is restarted all the same."""
    record, verdict = judged(EXITED, Record(), 50.0)
    assert verdict is None
    assert judged(EXITED, record, 50.0)[1] is not None


def test_a_stop_of_our_own_that_nobody_reported_is_answered_too() -> None:
    """What was taken down comes back even if the record of its end was lost."""
    record = Record(taking_down=Cause.MEMORY_HARD, taking_down_since_s=40.0)
    record, verdict = judged(STOPPED, record, 50.0)
    assert verdict is None
    verdict = judged(STOPPED, record, 50.0)[1]
    assert verdict is not None
    assert verdict.deed == Deed.START


def test_a_spent_budget_is_given_up_once_and_stays_so() -> None:
    """The verdict to give up comes once; later looks find nothing due."""
    record = Record(history=History((40.0, 45.0, 49.0), in_a_row=3))
    record, verdict = duty.after_death(record, RULES, 1.0, 50.0, 0.0)
    assert verdict is not None
    assert verdict.deed == Deed.GIVE_UP
    assert judged(EXITED, record, 55.0) == (record, None)


def test_an_operator_can_bring_back_what_was_given_up() -> None:
    """A program that runs again although it was given up is judged like any other."""
    record, verdict = judged(UP, Record(gave_up=True))
    assert verdict is None
    assert not record.gave_up


@pytest.mark.parametrize(
    ("ready", "running_s", "taken_down"),
    [(False, 101.0, True), (False, 99.0, False), (None, 101.0, False), (True, 101.0, False)],
)
def test_a_start_has_a_deadline(*, ready: bool | None, running_s: float, taken_down: bool) -> None:
    """A program that is known not to be ready after its deadline is taken down."""
    facts = replace(UP, ready=ready, running_s=running_s)
    verdict = judged(facts, Record())[1]
    assert (verdict is not None and verdict.cause == Cause.STARTUP_FAILED) == taken_down


def test_a_program_that_was_ready_once_has_met_its_deadline() -> None:
    """Losing readiness later is not a failed start."""
    record, _ = judged(UP, Record())
    assert judged(replace(UP, ready=False, running_s=500.0), record)[1] is None


def test_what_does_not_end_is_killed() -> None:
    """A program that is still stopping after the wait is killed."""
    record = Record(taking_down=Cause.MEMORY_HARD, taking_down_since_s=50.0)
    stopping = replace(UP, state="STOPPING")
    assert judged(stopping, record, 54.9)[1] is None
    verdict = judged(stopping, record, 55.0)[1]
    assert verdict is not None
    assert verdict.deed == Deed.KILL


def test_a_stop_on_request_is_never_hurried() -> None:
    """A drain that an operator asked for takes as long as its settings allow."""
    assert judged(replace(UP, state="STOPPING"), Record(), 1e6)[1] is None


def test_what_supervisord_restarts_is_not_started_twice() -> None:
    """A watchdog that died is supervisord's to start."""
    rules = replace(RULES, supervisord_restarts=True)
    assert judged(EXITED, Record(), rules=rules)[1] is None
