"""When a signal has no headroom left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy.forecast import Forecast, Rules, Series, forecast, note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RULES = Rules(step_s=10, points=12, least_points=5, horizon_s=3600, sen_z=1.645)
readings = st.lists(
    st.tuples(
        st.floats(min_value=-5, max_value=500),
        st.none() | st.integers(min_value=-1000, max_value=10**12),
        st.integers(min_value=1, max_value=2),
    ),
    max_size=60,
)


def series_of(until_s: int, headroom: Callable[[int], float], from_s: int = 0) -> Series:
    """Return the series after a reading each second."""
    return noted(Series(), ((at_s, headroom(at_s)) for at_s in range(from_s, until_s)))


def noted(series: Series, pairs: Iterable[tuple[float, float | None]]) -> Series:
    """Return the series after more readings."""
    for at_s, headroom in pairs:
        series = note(series, at_s, headroom, RULES)
    return series


def test_a_ramp_ends_where_its_line_does() -> None:
    """Ten a second from a thousand and a half are gone after so many seconds."""
    said = forecast(series_of(100, lambda at_s: 1500 - 10 * at_s), RULES)
    assert said.fill_per_s == pytest.approx(10)
    assert said.exhausted_in_s == pytest.approx(51)


def test_what_stands_still_has_no_end() -> None:
    """A constant is known not to fill."""
    assert forecast(series_of(100, lambda _: 500), RULES) == Forecast(0.0, None)


def test_headroom_that_grows_has_no_end() -> None:
    """The rate is then below zero."""
    said = forecast(series_of(100, lambda at_s: 500 + at_s), RULES)
    assert said == Forecast(pytest.approx(-1), None)


def test_what_likely_fills_but_not_surely_has_no_end() -> None:
    """The rate is told, the end is not."""
    used = [0, 50, 10, 40, 20, 60, 5, 45, 15, 70, 25, 55, 30]
    said = forecast(series_of(130, lambda at_s: 150 - used[at_s // 10]), RULES)
    assert said.fill_per_s is not None
    assert said.fill_per_s > 0
    assert said.exhausted_in_s is None


def test_jobs_that_come_and_go_are_no_trend() -> None:
    """A peak of 300 in every 23 s is followed by as much room, at every phase of it."""
    for end_s in range(120, 143):
        said = forecast(series_of(end_s, lambda at_s: 1000 - 300 * (at_s % 23 > 10)), RULES)
        assert said.exhausted_in_s is None


def test_the_peaks_of_jobs_are_what_ends() -> None:
    """What is left is counted from the peak, even where the newest reading lies between two."""
    series = series_of(123, lambda at_s: 2000 - 5 * at_s - 300 * (at_s % 7 > 3))
    quiet = note(series, 123.0, 1385.0, RULES)
    said = forecast(quiet, RULES)
    assert said.exhausted_in_s is not None
    assert said.exhausted_in_s < 250


def test_before_there_is_enough_nothing_is_said() -> None:
    """Five steps have to be over, and an empty series is no reading."""
    assert forecast(Series(), RULES) == Forecast(None, None)
    assert forecast(series_of(50, lambda at_s: 1000 - at_s), RULES) == Forecast(None, None)
    assert forecast(series_of(51, lambda at_s: 1000 - at_s), RULES).fill_per_s is not None


def test_an_unknown_reading_changes_nothing() -> None:
    """The series is the same, and so is what it says."""
    series = series_of(100, lambda at_s: 1500 - 10 * at_s)
    assert note(series, 101.0, None, RULES, life=7) is series


def test_short_gaps_are_survived_and_long_ones_forgotten() -> None:
    """Points keep their own instants; what is older than the window is no longer there."""
    ramp = series_of(100, lambda at_s: 5000 - 10 * at_s)
    short = noted(ramp, ((at_s, 5000 - 10 * at_s) for at_s in range(130, 160)))
    assert forecast(short, RULES).fill_per_s == pytest.approx(10)
    assert forecast(note(ramp, 9000.0, 700, RULES), RULES) == Forecast(None, None)


@pytest.mark.parametrize(("at_s", "life"), [(100.0, 2), (40.0, 1)])
def test_another_life_and_a_clock_that_went_back_start_anew(at_s: float, life: int) -> None:
    """Nothing of the old series is left."""
    series = Series()
    for second in range(100):
        series = note(series, second, 1500 - 10 * second, RULES, life=1)
    fresh = note(series, at_s, 1400, RULES, life=life)
    assert fresh.past == ()
    assert forecast(fresh, RULES) == Forecast(None, None)


def test_a_clock_that_stands_still_only_lowers_the_newest_reading() -> None:
    """However many readings come, there is one step."""
    series = noted(Series(), [(50.0, 900), (50.0, 700), (50.0, 800)])
    assert series.past == ()
    assert series.now is not None
    assert series.now.headroom == 700


def test_what_is_used_up_has_ended_whatever_is_known() -> None:
    """Nothing left is the end, even with one reading."""
    assert forecast(note(Series(), 0.0, 0, RULES), RULES) == Forecast(None, 0.0)


def test_an_end_beyond_the_horizon_is_not_foretold() -> None:
    """A second less a second, and an hour is the horizon."""
    assert forecast(series_of(100, lambda at_s: 3600 - at_s), RULES).exhausted_in_s is not None
    assert forecast(series_of(100, lambda at_s: 3800 - at_s), RULES) == Forecast(1.0, None)


@given(readings)
def test_a_series_stays_small_and_never_raises(
    pairs: list[tuple[float, int | None, int]],
) -> None:
    """Gaps, steps back, other lives and nonsense leave a bounded series and no negative time."""
    series, at_s = Series(), 0.0
    for pause_s, headroom, life in pairs:
        at_s = max(0.0, at_s + pause_s)
        series = note(series, at_s, headroom, RULES, life)
        said = forecast(series, RULES)
        assert len(series.past) <= RULES.points
        assert said.exhausted_in_s is None or 0 <= said.exhausted_in_s <= RULES.horizon_s
