"""The plan of a campaign."""

from __future__ import annotations

from faults import _ONLY_STEADY, ENABLED, Moment, draw, from_text, to_text
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32)


@given(SEEDS, st.integers(0, 40))
def test_a_seed_gives_one_plan(seed: int, count: int) -> None:
    """What failed once can be done again, and a shorter campaign begins as a longer one does."""
    assert draw(seed, count) == draw(seed, count + 3)[:count]


@given(SEEDS)
def test_a_plan_survives_paper(seed: int) -> None:
    """What a failing run prints is what a replay reads."""
    plan = draw(seed, 10)
    assert from_text(to_text(plan)) == plan


@given(SEEDS)
def test_only_what_something_answers_is_drawn(seed: int) -> None:
    """No fault is aimed at what has no answer yet; two at once hit two programs."""
    for fault in draw(seed, 20):
        assert fault.kind in ENABLED[fault.target]
        assert fault.moment == Moment.STEADY or fault.kind not in _ONLY_STEADY
        assert (fault.other is not None) == (fault.moment == Moment.TOGETHER)
        assert fault.other != fault.target


def test_every_fault_is_drawn_some_time() -> None:
    """Two hundred faults reach every program, kind and moment."""
    drawn = draw(1, 200)
    pairs = {(target, kind) for target, kinds in ENABLED.items() for kind in kinds}
    assert {(each.target, each.kind) for each in drawn} == pairs
    assert {each.moment for each in drawn} == set(Moment)
