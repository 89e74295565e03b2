"""What is due for one program now?

Covers: from what is seen of it and remembered of it to at most one verdict, and what to remember.
A program that should run and does not is started; one that never becomes ready or hangs is taken
down; one that will not go is killed. Level-triggered: it looks at what is, not at what happened.
Leaves out: what runs out (`policy.ladder`), the effects (`podkeeper.actuators`), the order of looks
and deeds (`podkeeper.loops`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from podkeeper.policy import restarts
from podkeeper.policy.cause import Cause
from podkeeper.policy.restarts import GiveUp, History, RestartPolicy

if TYPE_CHECKING:
    from podkeeper.policy.hang import Hung


class Deed(StrEnum):
    """What can be done to a program, mildest first."""

    START = "start"
    TAKE_DOWN = "take_down"
    KILL = "kill"
    GIVE_UP = "give_up"
    #: Of the whole worker, not of one program.
    END = "end"


@dataclass(frozen=True)
class Verdict:
    """One thing that is due for one program, and why."""

    deed: Deed
    cause: Cause | None = None
    reason: str = ""
    #: Whether a program that is to be taken down is killed without being asked.
    at_once: bool = False


@dataclass(frozen=True)
class Rules:
    """What holds for one program."""

    restart: RestartPolicy
    #: Time from start to ready; None where readiness is not asked for.
    startup_deadline_s: float | None
    #: How long a program that is taken down may take before it is killed.
    take_down_wait_s: float
    #: Whether supervisord restarts it by itself: then the keeper only takes it down.
    supervisord_restarts: bool = False


@dataclass(frozen=True)
class Facts:
    """What is seen of a program at one instant. Unknown is None."""

    #: supervisord's word.
    state: str
    pid: int
    ever_started: bool
    #: How long its process has run; None while none does.
    running_s: float | None
    ready: bool | None = None
    readiness_detail: str = ""
    #: How it is hung, where it is.
    hung: Hung | None = None
    #: Whether what it waits for at start is there: a ready WebUI, for the handler.
    gate_open: bool = True


@dataclass(frozen=True)
class Record:
    """What is remembered of a program between two looks. Instants are monotonic."""

    history: History = field(default_factory=History)
    #: When it is to be started again; None while nothing is due.
    restart_at_s: float | None = None
    #: Why the keeper is taking it down, and since when.
    taking_down: Cause | None = None
    taking_down_since_s: float | None = None
    #: Which of its processes that is; 0 where it does not matter.
    taking_down_pid: int = 0
    gave_up: bool = False
    #: Until when no further deed is done for want of anything.
    cooldown_until_s: float = 0.0
    #: The pid that has been ready in this life.
    was_ready_pid: int = 0


#: The words of supervisord for a program that does not run and was not asked to stop.
DOWN = ("EXITED", "FATAL")
#: Its words for one whose process runs.
UP = ("STARTING", "RUNNING")


def judge(
    facts: Facts, record: Record, rules: Rules, now_s: float, luck: float
) -> tuple[Record, Verdict | None]:
    """Return what is due for the program, if anything, and what to remember."""
    if facts.state in UP and facts.running_s is not None:
        return _judge_up(facts, record, rules, now_s)
    if facts.state == "STOPPING":
        return _judge_stopping(facts, record, rules, now_s)
    if facts.state == "STOPPED" and record.taking_down is None:
        return _judge_stopped(facts, record)
    # A stop of our own is a death like any other: what was taken down is to come back.
    # What it was asked to stop, supervisord does not start again by itself.
    ours = not rules.supervisord_restarts or facts.state == "STOPPED"
    if facts.state in (*DOWN, "STOPPED") and ours:
        return _judge_down(facts, record, rules, now_s, luck)
    return record, None


def after_death(
    record: Record, rules: Rules, lived_s: float | None, now_s: float, luck: float
) -> tuple[Record, Verdict | None]:
    """Return what to remember once a program has died, and a verdict if its budget is spent."""
    history = record.history
    if lived_s is not None:
        history = restarts.after_life(rules.restart, history, lived_s)
    decision = restarts.judge(rules.restart, history, now_s, luck)
    if isinstance(decision, GiveUp):
        reason = f"{decision.spent} restarts within {decision.window_s:g} s"
        spent = replace(record, history=history, gave_up=True, restart_at_s=None)
        return spent, Verdict(Deed.GIVE_UP, None, reason)
    return replace(record, history=history, restart_at_s=decision.at_s), None


def after_start(record: Record, rules: Rules, now_s: float, *, is_restart: bool) -> Record:
    """Return what to remember once a program was asked to start."""
    history = record.history
    if is_restart:
        history = restarts.after_restart(rules.restart, history, now_s)
    return Record(history=history, cooldown_until_s=record.cooldown_until_s)


def _judge_stopped(facts: Facts, record: Record) -> tuple[Record, Verdict | None]:
    if not facts.ever_started and facts.gate_open:
        return record, Verdict(Deed.START, None, "first start")
    # Stopped by an operator: it stays so until the operator starts it.
    return record, None


def _judge_down(
    facts: Facts, record: Record, rules: Rules, now_s: float, luck: float
) -> tuple[Record, Verdict | None]:
    if record.gave_up:
        return record, None
    if record.restart_at_s is None:
        # Down, and nobody told: the death was missed, or the start itself failed.
        return after_death(record, rules, None, now_s, luck)
    if now_s < record.restart_at_s or not facts.gate_open:
        return record, None
    return record, Verdict(Deed.START)


def _judge_stopping(
    facts: Facts, record: Record, rules: Rules, now_s: float
) -> tuple[Record, Verdict | None]:
    if facts.hung is not None:
        # It would not end before its stop_wait_s, which may be the time of the longest job.
        return record, Verdict(Deed.KILL, Cause.HANG, facts.hung.reason)
    since_s = record.taking_down_since_s
    if since_s is None or now_s - since_s < rules.take_down_wait_s:
        return record, None
    return record, Verdict(Deed.KILL, record.taking_down, "did not end by itself")


def _judge_up(
    facts: Facts, record: Record, rules: Rules, now_s: float
) -> tuple[Record, Verdict | None]:
    if record.taking_down is not None and record.taking_down_pid == facts.pid:
        return _judge_leaving(facts, record, rules, now_s)
    running_s = facts.running_s or 0.0
    record = replace(
        record,
        history=restarts.after_life(rules.restart, record.history, running_s),
        was_ready_pid=facts.pid if facts.ready else record.was_ready_pid,
        # It runs, so nothing is pending, also where an operator or supervisord started it.
        restart_at_s=None,
        gave_up=False,
        taking_down=None,
        taking_down_since_s=None,
        taking_down_pid=0,
    )
    bad = _judge_startup(facts, record, rules, running_s) or _judge_hang(facts)
    if bad is not None:
        return _taking_down(record, facts, bad, now_s), bad
    return record, None


def _judge_leaving(
    facts: Facts, record: Record, rules: Rules, now_s: float
) -> tuple[Record, Verdict | None]:
    """Judge a process that is to go and still runs: asking it failed, or has not begun yet."""
    record, verdict = _judge_stopping(facts, record, rules, now_s)
    return (replace(record, taking_down_since_s=now_s) if verdict else record), verdict


def _judge_hang(facts: Facts) -> Verdict | None:
    hung = facts.hung
    if hung is None:
        return None
    return Verdict(Deed.TAKE_DOWN, Cause.HANG, hung.reason, at_once=hung.stopped)


def _judge_startup(facts: Facts, record: Record, rules: Rules, running_s: float) -> Verdict | None:
    deadline_s = rules.startup_deadline_s
    waited_out = deadline_s is not None and running_s > deadline_s
    # Unknown readiness is no verdict: a blind probe never restarts a healthy program.
    if not waited_out or facts.ready is not False or record.was_ready_pid == facts.pid:
        return None
    reason = f"not ready {running_s:.0f} s after its start: {facts.readiness_detail}"
    return Verdict(Deed.TAKE_DOWN, Cause.STARTUP_FAILED, reason)


def _taking_down(record: Record, facts: Facts, verdict: Verdict, now_s: float) -> Record:
    return replace(
        record,
        taking_down=verdict.cause,
        taking_down_since_s=now_s,
        taking_down_pid=facts.pid,
    )
