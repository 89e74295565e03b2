"""What is due for something that is running out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import ladder
from podkeeper.policy.ladder import Climb, Climbs, Moment, Move, Rules, Rung, Squeeze
from podkeeper.policy.pressure import Pressure
from podkeeper.policy.signals import Kind, Signal

RULES = Rules(reclaims=2, reclaim_wait_s=5, drain_wait_s=60, cooldown_s=20)
RAM = Squeeze(
    Signal(Kind.PROGRAM_MEMORY, "webui"), Pressure.HARD, "webui", 7, busy=False, reclaimable=True
)
DISK = Squeeze(Signal(Kind.DISK, "/"), Pressure.HARD, reclaimable=True)
CARD = Squeeze(Signal(Kind.VRAM, "0"), Pressure.HARD, "webui", 7, busy=False, reclaimable=True)


def moment(now_s: float, **changes: object) -> Moment:
    """Return a moment whose readings are just taken."""
    return replace(Moment(now_s, now_s), **changes)  # type: ignore[arg-type]


def climb(squeeze: Squeeze, span_s: float, *, step_s: float = 1.0) -> list[tuple[float, Rung]]:
    """Return when which rung is climbed while a signal stays squeezed."""
    climbs: Climbs = {}
    rungs = []
    now_s = 0.0
    while now_s < span_s:
        climbs, move = ladder.judge([squeeze], climbs, RULES, moment(now_s))
        rungs += [(now_s, move.rung)] if move else []
        now_s += step_s
    return rungs


def rungs_of(squeeze: Squeeze, span_s: float = 200.0) -> list[Rung]:
    """Return which rungs are climbed, repeated ones once."""
    return list(dict.fromkeys(rung for _, rung in climb(squeeze, span_s)))


@pytest.mark.parametrize(
    ("squeeze", "rungs"),
    [
        (replace(RAM, pressure=Pressure.SOFT), [Rung.NOTE, Rung.RECLAIM]),
        (replace(RAM, pressure=Pressure.SOFT, reclaimable=False), [Rung.NOTE]),
        (replace(RAM, pressure=Pressure.SOFT, foreseen=True), [1, 2, Rung.RESTART]),
        (RAM, [Rung.PAUSE, Rung.RECLAIM, Rung.TAKE_DOWN]),
        (replace(RAM, worked=True), [Rung.PAUSE, Rung.RECLAIM, Rung.RESTART, Rung.TAKE_DOWN]),
        (replace(RAM, reclaimable=False), [Rung.TAKE_DOWN]),
        (replace(RAM, busy=True), [Rung.PAUSE, Rung.RECLAIM, Rung.RESTART, Rung.TAKE_DOWN]),
        (replace(RAM, busy=None, reclaimable=False), [Rung.RESTART, Rung.TAKE_DOWN]),
        (replace(RAM, pressure=Pressure.CRITICAL, busy=True), [Rung.KILL]),
        (DISK, [Rung.PAUSE, Rung.RECLAIM]),
        (replace(DISK, pressure=Pressure.SOFT), [Rung.NOTE, Rung.RECLAIM]),
        (replace(DISK, pressure=Pressure.CRITICAL), [Rung.PAUSE, Rung.RECLAIM]),
        (CARD, [Rung.RECLAIM, Rung.RESTART]),
        (replace(CARD, pressure=Pressure.SOFT), [Rung.RECLAIM]),
        (replace(CARD, busy=True), []),
        (replace(CARD, busy=None), []),
    ],
)
def test_each_kind_is_climbed_as_far_as_it_goes(squeeze: Squeeze, rungs: list[Rung]) -> None:
    """The mildest rung comes first, and none beyond what the pressure and the kind allow."""
    assert rungs_of(squeeze) == rungs


def test_a_reclaim_is_given_time_before_the_next_rung() -> None:
    """What was asked to give back is not restarted before it could."""
    paused, reclaimed, *later = climb(RAM, 8)
    assert (paused, reclaimed) == ((0.0, Rung.PAUSE), (1.0, Rung.RECLAIM))
    assert later == [(6.0, Rung.TAKE_DOWN), (7.0, Rung.TAKE_DOWN)]


def test_a_reclaim_that_is_over_is_waited_for_no_longer_than_to_the_next_reading() -> None:
    """A reading of before its end does not tell what came of it."""
    climbs: Climbs = {}
    for now_s in (0.0, 1.0):
        climbs, _ = ladder.judge([RAM], climbs, RULES, moment(now_s))
    climbs = {RAM.signal: ladder.after_reclaim(climbs[RAM.signal], 1.5)}
    old = replace(moment(1.4), now_s=1.6)
    assert ladder.judge([RAM], climbs, RULES, old)[1] is None
    assert ladder.judge([RAM], climbs, RULES, moment(2.0))[1] == Move(Rung.TAKE_DOWN, RAM)


def test_what_is_hard_again_after_a_pause_is_paused_again() -> None:
    """Jobs that were let in again are held back again, before anything else."""
    busy = replace(RAM, busy=True)
    climbs, _ = ladder.judge([busy], {}, RULES, moment(0.0))
    climbs = {RAM.signal: ladder.after_pause(climbs[RAM.signal])}
    climbs, move = ladder.judge([busy], climbs, RULES, moment(1.0))
    assert move == Move(Rung.PAUSE, busy)


def test_the_end_of_a_pause_does_not_end_the_wait_for_a_restart() -> None:
    """A restart between jobs that was ordered goes on, and so does its time."""
    busy = replace(RAM, busy=True, reclaimable=False)
    climbs, _ = ladder.judge([busy], {}, RULES, moment(0.0))
    climbs = {RAM.signal: ladder.after_pause(climbs[RAM.signal])}
    assert ladder.judge([busy], climbs, RULES, moment(59.0))[1] is None
    assert ladder.judge([busy], climbs, RULES, moment(60.0))[1] == Move(Rung.TAKE_DOWN, busy)


def test_a_restart_waits_for_the_job_as_long_as_it_may() -> None:
    """Jobs in hand are cut only when their time is over."""
    found = climb(replace(RAM, busy=True, reclaimable=False), 62)
    assert found[:2] == [(0.0, Rung.RESTART), (60.0, Rung.TAKE_DOWN)]


def test_no_second_deed_on_one_reading() -> None:
    """Until the watchdog has looked again nothing more is known."""
    one = moment(0.0)
    climbs, first = ladder.judge([replace(RAM, pressure=Pressure.SOFT)], {}, RULES, one)
    assert first is not None
    later = replace(one, now_s=9.0)
    assert ladder.judge([RAM], climbs, RULES, later)[1] is None


def test_the_worst_comes_first_and_then_what_names_its_program() -> None:
    """Of equals, the one that is sure of its victim is answered."""
    container = Squeeze(Signal(Kind.MEMORY), Pressure.HARD, "webui", 7, busy=False)
    _, move = ladder.judge([DISK, container, RAM], {}, RULES, moment(0.0))
    assert move is not None
    assert move.squeeze == RAM
    critical = replace(container, pressure=Pressure.CRITICAL)
    _, move = ladder.judge([DISK, RAM, critical], {}, RULES, moment(0.0))
    assert move == Move(Rung.KILL, critical)


@pytest.mark.parametrize(
    ("changes", "rung"),
    [
        ({"leaving": ["other"]}, None),
        ({"waiting": ["other"]}, None),
        ({"leaving": ["webui"]}, None),
        ({"waiting": ["webui"]}, Rung.TAKE_DOWN),
        ({"spared": ["webui"]}, None),
        ({"spared": ["other"]}, Rung.TAKE_DOWN),
    ],
)
def test_one_victim_at_a_time(changes: dict[str, list[str]], rung: Rung | None) -> None:
    """While one program is on its way down no other is sent after it."""
    _, move = ladder.judge([replace(RAM, reclaimable=False)], {}, RULES, moment(0.0, **changes))
    assert (move.rung if move else None) == rung


def test_what_was_asked_to_end_and_becomes_critical_is_killed() -> None:
    """The same victim, which takes too long; another one would have to wait."""
    critical = replace(RAM, pressure=Pressure.CRITICAL)
    asked = moment(0.0, leaving=["webui"], spared=["webui"])
    assert ladder.judge([critical], {}, RULES, asked)[1] == Move(Rung.KILL, critical)
    assert ladder.judge([critical], {}, RULES, moment(0.0, leaving=["other"]))[1] is None


def test_what_a_dead_process_held_costs_nobody_else() -> None:
    """The container is read anew before a further victim is chosen for it."""
    handler = Squeeze(Signal(Kind.MEMORY), Pressure.CRITICAL, "handler", 8)
    for died_at_s, move in ((5.0, None), (6.0, None), (4.9, Move(Rung.KILL, handler))):
        given = moment(5.0, died_at_s=died_at_s)
        assert ladder.judge([handler], {}, RULES, given)[1] == move
    assert ladder.judge([RAM], {}, RULES, moment(5.0, died_at_s=6.0))[1] is not None


def test_another_process_starts_anew() -> None:
    """What was asked of the last life is not held against the next."""
    busy = replace(RAM, busy=True, reclaimable=False)
    climbs, _ = ladder.judge([busy], {}, RULES, moment(0.0))
    _, move = ladder.judge([replace(busy, pid=8)], climbs, RULES, moment(61.0))
    assert move is not None
    assert move.rung == Rung.RESTART


def test_what_is_calm_again_is_forgotten() -> None:
    """The next spell begins with a note again."""
    soft = replace(RAM, pressure=Pressure.SOFT)
    climbs, _ = ladder.judge([soft], {}, RULES, moment(0.0))
    climbs, _ = ladder.judge([], climbs, RULES, moment(1.0))
    assert climbs == {}


squeezes = st.builds(
    Squeeze,
    signal=st.sampled_from([RAM.signal, DISK.signal, CARD.signal, Signal(Kind.CPU)]),
    pressure=st.sampled_from(list(Pressure)[1:]),
    victim=st.sampled_from(["", "webui", "handler"]),
    pid=st.integers(0, 2),
    busy=st.sampled_from([True, False, None]),
    worked=st.booleans(),
    reclaimable=st.booleans(),
    foreseen=st.booleans(),
)
moments = st.tuples(
    st.lists(squeezes, max_size=4, unique_by=lambda each: each.signal),
    st.floats(0.1, 30),
    st.sets(st.sampled_from(["webui", "handler"])),
)


@given(st.lists(moments, max_size=30))
def test_whatever_is_squeezed_the_rules_of_the_ladder_hold(
    story: list[tuple[list[Squeeze], float, set[str]]],
) -> None:
    """No victim beside one that leaves, no kill of what is not critical, nothing kept for calm."""
    climbs: dict[Signal, Climb] = {}
    now_s = 0.0
    for seen, pause_s, leaving in story:
        now_s += pause_s
        climbs, move = ladder.judge(seen, climbs, RULES, moment(now_s, leaving=leaving))
        assert set(climbs) == {each.signal for each in seen}
        assert all(each.reclaims <= RULES.reclaims for each in climbs.values())
        if move is None:
            continue
        assert move.squeeze in seen
        if move.rung >= Rung.RESTART:
            assert move.squeeze.victim
            assert leaving <= {move.squeeze.victim}
        assert move.rung != Rung.KILL or move.squeeze.pressure == Pressure.CRITICAL
        assert move.rung < Rung.RESTART or move.squeeze.signal.kind in ladder._OF_PROGRAMS
