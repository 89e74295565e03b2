"""What one program may write."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooks.plugin_budget import Budget, Missed

STEPS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5000)), max_size=60)


@given(STEPS, st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_program_never_gets_more_than_rate_and_burst(
    steps: list[tuple[float, int]], rate: int, burst: int
) -> None:
    """Over any span: the burst, the rate times the span, and the one take that overdraws."""
    budget, now_s, taken = Budget(rate, burst), 0.0, 0
    for pause_s, size in steps:
        now_s += pause_s
        if budget.take(size, now_s):
            taken += size
    largest = max((size for _, size in steps), default=0)
    assert taken <= burst + rate * now_s + largest + 1


def test_a_quiet_program_is_never_refused() -> None:
    """Ordinary output does not notice the budget."""
    budget = Budget(1000, 1000)
    assert all(budget.take(100, second / 10) for second in range(1000))


def test_after_a_flood_the_budget_comes_back() -> None:
    """A program that has stopped flooding is heard again."""
    budget = Budget(100, 100)
    assert budget.take(1000, 0.0)
    assert not budget.take(1, 8.0)
    assert budget.take(1, 9.5)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    """Only time that has passed counts."""
    budget = Budget(1, 100)
    assert budget.take(50, 10.0)
    assert budget.take(40, 5.0)
    assert not budget.spent(5.0)


def test_what_is_missed_is_told_once() -> None:
    """The count starts anew when it has been told."""
    budget = Budget(1, 1)
    budget.miss(3, 30)
    budget.miss(4, 40)
    assert (budget.say(), budget.say()) == (Missed(7, 70), None)
