"""Whether a series grows, and how surely."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy.trend import Point, lasts, theil_sen

Z = 1.645
values = st.lists(st.integers(min_value=-1000, max_value=1000), min_size=2, max_size=25)


def line(count: int, slope: float, start: float = 0.0) -> list[Point]:
    """Return points on a line."""
    return [(float(x), start + slope * x) for x in range(count)]


def test_a_line_has_its_slope_for_sure() -> None:
    """Where all pairs agree the bound is the slope."""
    trend = theil_sen([line(10, 2.5)], Z)
    assert trend is not None
    assert (trend.slope, trend.least) == (2.5, 2.5)


def test_peaks_are_no_growth() -> None:
    """A quarter of the points may be anything, even all at one end."""
    points = line(20, 0.0)
    points[15:] = [(x, 500.0 + x) for x, _ in points[15:]]
    trend = theil_sen([points], Z)
    assert trend is not None
    assert trend.slope == 0.0
    assert trend.least is not None
    assert trend.least <= 0


def test_levels_of_strata_are_no_growth() -> None:
    """Points of different strata are never compared."""
    low, high = line(8, 1.0), [(x + 8, 1000 + x) for x, _ in line(8, 1.0)]
    apart, together = theil_sen([low, high], Z), theil_sen([[*low, *high]], Z)
    assert apart is not None
    assert together is not None
    assert (apart.slope, apart.least) == (1.0, 1.0)
    assert together.slope > 10


def test_few_points_are_not_sure() -> None:
    """Three points on a line have a slope and no bound; a single one has nothing."""
    trend = theil_sen([line(3, 1.0)], Z)
    assert trend is not None
    assert (trend.slope, trend.least) == (1.0, None)
    assert theil_sen([line(1, 1.0), line(1, 2.0)], Z) is None
    assert theil_sen([], Z) is None
    assert theil_sen([[(3.0, 1.0), (3.0, 2.0)]], Z) is None


def test_the_bound_is_where_the_textbook_has_it() -> None:
    """It is the slope of a rank, and strata add their slopes and their variance."""
    points = [(float(x), float(x**3)) for x in range(10)]
    slopes = sorted(float(a * a + a * b + b * b) for a in range(10) for b in range(a + 1, 10))
    one, two = theil_sen([points], Z), theil_sen([points, points], Z)
    assert one is not None
    assert two is not None
    # (45 - 1.645 * sqrt(10 * 9 * 25 / 18)) / 2 = 13.3
    assert (one.slope, one.least) == (slopes[22], slopes[13 - 1])
    # (90 - 1.645 * sqrt(2 * 10 * 9 * 25 / 18)) / 2 = 31.9, and each slope is there twice
    assert (two.slope, two.least) == (slopes[22], slopes[16 - 1])
    assert slopes[13 - 2] < slopes[13 - 1] < slopes[13] < slopes[16 - 1] < slopes[18 - 1]


@given(values, st.integers(min_value=-(10**9), max_value=10**9))
def test_a_level_changes_nothing(ys: list[int], level: int) -> None:
    """A series and the same one shifted have one trend."""
    points, shifted = list(enumerate(ys)), [(x, y + level) for x, y in enumerate(ys)]
    assert theil_sen([points], Z) == theil_sen([shifted], Z)


@given(values, st.randoms(use_true_random=False))
def test_the_bound_is_below_and_order_is_nothing(ys: list[int], luck) -> None:
    """What a series surely grows by is no more than what it likely does, in whatever order."""
    points = list(enumerate(ys))
    # The order of two points does not change the slope between them.
    mixed = luck.sample(points, len(points))
    trend = theil_sen([points], Z)
    assert trend is not None
    assert trend == theil_sen([mixed], Z)
    assert trend.least is None or trend.least <= trend.slope


@given(values)
def test_more_confidence_is_a_lower_bound(ys: list[int]) -> None:
    """Being surer of growth means being sure of less."""
    some, more = theil_sen([list(enumerate(ys))], 1.0), theil_sen([list(enumerate(ys))], 2.0)
    assert some is not None
    assert more is not None
    assert more.least is None or (some.least is not None and more.least <= some.least)


@pytest.mark.parametrize(
    ("left", "rate", "lasting"),
    [(100, 4.0, 25.0), (100, 0.0, None), (100, -1.0, None), (100, None, None), (0, None, 0.0)],
)
def test_what_is_left_lasts_as_long_as_the_rate_says(
    left: float, rate: float | None, lasting: float | None
) -> None:
    """No rate, or none that takes anything, is no end; what is used up has ended."""
    assert lasts(left, rate) == lasting
