"""Whether and when a program is started again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import restarts
from podkeeper.policy.restarts import GiveUp, History, Restart, RestartPolicy

POLICY = RestartPolicy(
    backoff_first_s=1,
    backoff_factor=2,
    backoff_max_s=60,
    jitter_ratio=0.1,
    reset_after_s=30,
    budget=5,
    budget_window_s=600,
)


@pytest.mark.parametrize(
    ("in_a_row", "luck", "wait_s"),
    [(0, 0.5, 0), (1, 0, 1), (2, 0, 2), (3, 0, 4), (7, 0, 60), (3, 1, 3.6), (10_000, 0, 60)],
)
def test_waits_grow_from_nothing_to_the_longest(in_a_row: int, luck: float, wait_s: float) -> None:
    """The first restart comes at once, later ones wait twice as long each, up to the bound."""
    assert restarts.backoff_s(POLICY, in_a_row, luck) == pytest.approx(wait_s)


@given(st.integers(0, 2000), st.floats(0, 1), st.floats(0, 1))
def test_waits_never_shrink_nor_pass_their_bound(row: int, luck: float, other: float) -> None:
    """Without luck a wait is at least the one before, and no luck takes it over the longest."""
    wait_s = restarts.backoff_s(POLICY, row, 0)
    assert wait_s <= restarts.backoff_s(POLICY, row + 1, 0)
    assert 0 <= restarts.backoff_s(POLICY, row, luck) <= POLICY.backoff_max_s
    assert restarts.backoff_s(POLICY, row, max(luck, other)) <= restarts.backoff_s(
        POLICY, row, min(luck, other)
    )


@given(st.lists(st.floats(0.1, 300), max_size=60))
def test_no_window_holds_more_restarts_than_the_budget(gaps_s: list[float]) -> None:
    """However deaths are spaced, no window of the budget sees more restarts than it allows."""
    history, now_s, done = History(), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        decision = restarts.judge(POLICY, history, now_s, 0.0)
        if isinstance(decision, Restart):
            now_s = max(now_s, decision.at_s)
            history = restarts.after_restart(POLICY, history, now_s)
            done.append(now_s)
    for start_s in done:
        inside = [at_s for at_s in done if start_s <= at_s < start_s + POLICY.budget_window_s]
        assert len(inside) <= POLICY.budget


def test_a_spent_budget_is_given_up_and_comes_back_with_time() -> None:
    """After the budget no restart is granted until the window has passed."""
    history = History((0.0, 1.0, 2.0, 3.0, 4.0), in_a_row=5)
    assert restarts.judge(POLICY, history, 10, 0) == GiveUp(5, 600)
    assert isinstance(restarts.judge(POLICY, history, 700, 0), Restart)


def test_a_healthy_spell_forgets_the_waits_but_not_the_budget() -> None:
    """A life as long as the healthy spell makes the next restart immediate again."""
    history = History((0.0, 1.0), in_a_row=2)
    assert restarts.after_life(POLICY, history, 29.9) == history
    assert restarts.after_life(POLICY, history, 30) == History((0.0, 1.0), 0)
