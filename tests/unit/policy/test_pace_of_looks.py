"""How soon it is looked again at what may cross its line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import pace
from podkeeper.policy.pace import Rates

RATES = Rates(fill_bytes_per_s=1000, shortest_s=0.02, cpu_ratio=0.01)
spans = st.floats(min_value=0, max_value=1e6)


@pytest.mark.parametrize(
    ("left", "rate", "span_s"),
    [(500, 1000, 0.5), (0, 1000, 0), (-5, 1000, 0), (500, 0, math.inf), (500, -3, math.inf)],
)
def test_what_is_left_lasts_as_long_as_its_rate_lets_it(
    left: float, rate: float, span_s: float
) -> None:
    """What does not fill is never full; what is overdrawn is so now."""
    assert pace.reach_s(left, rate) == span_s


@pytest.mark.parametrize(
    ("soonest_s", "expected_s", "spent_s", "pause_s"),
    [
        (0.5, math.inf, 0, 0.5),
        (0.001, math.inf, 0, 0.02),
        (-1.0, math.inf, 0, 0.02),
        (0.001, 0.008, 0, 0.008),
        (0.001, 0.0, 0, 0.002),
        (0.001, 0.3, 0, 0.02),
        (0.001, 0.008, 0.010, 0.008),
        (0.001, 0.008, 0.012, pytest.approx(0.2)),
    ],
)
def test_the_pause_ends_when_something_can_have_happened(
    soonest_s: float, expected_s: float, spent_s: float, pause_s: float
) -> None:
    """Not before a line can be crossed, sooner where one is about to be, later to save time."""
    assert pace.pause_s(soonest_s, expected_s, spent_s, RATES) == pause_s


@given(spans, spans, spans)
def test_a_pause_never_ends_before_a_line_can_be_crossed(
    soonest_s: float, expected_s: float, spent_s: float
) -> None:
    """And there always is one."""
    found_s = pace.pause_s(soonest_s, expected_s, spent_s, RATES)
    assert found_s >= soonest_s
    assert found_s > 0


@given(st.floats(min_value=1e-6, max_value=0.01))
def test_however_often_is_looked_it_costs_its_share(cost_s: float) -> None:
    """What is always about to cross its line is not looked at beyond the share of a core."""
    now_s = spent_s = used_s = 0.0
    while now_s < 50:
        pause_s = pace.pause_s(0.0, 0.0, spent_s, RATES)
        now_s += pause_s
        used_s += cost_s
        spent_s = pace.spent_s(spent_s, cost_s, pause_s, RATES)
    window_s = 1.0
    assert used_s <= RATES.cpu_ratio * (now_s + window_s) + 2 * cost_s
