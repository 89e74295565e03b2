"""How hard one signal is squeezed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import pressure
from podkeeper.policy.pressure import Pressure, Standing, Threshold

LINES = Threshold(soft=200, hard=50, release=300, grace_s=10, critical=-100)
headrooms = st.one_of(st.none(), st.integers(min_value=-1000, max_value=1000))
traces = st.lists(st.tuples(headrooms, st.floats(min_value=0, max_value=30)), max_size=40)


def run(trace: list[tuple[int | None, float]]) -> list[tuple[int | None, Standing, Standing]]:
    """Return each reading of a trace with the standing before and after it."""
    standing, now_s, steps = Standing(), 0.0, []
    for headroom, pause_s in trace:
        now_s += pause_s
        after = pressure.judge(headroom, LINES, standing, now_s)
        steps.append((headroom, standing, after))
        standing = after
    return steps


@given(traces)
def test_a_blind_probe_changes_nothing(trace: list[tuple[int | None, float]]) -> None:
    """An unknown reading neither raises nor lowers the pressure."""
    assert all(before == after for headroom, before, after in run(trace) if headroom is None)


@given(traces)
def test_pressure_ends_only_through_release(trace: list[tuple[int | None, float]]) -> None:
    """Pressure becomes calm only when headroom is above the release line."""
    for headroom, before, after in run(trace):
        if before.pressure > Pressure.CALM and after.pressure == Pressure.CALM:
            assert headroom is not None
            assert headroom > LINES.release


@given(traces)
def test_hard_needs_a_hard_reading_and_no_grace(trace: list[tuple[int | None, float]]) -> None:
    """A known reading is judged hard, or critical, exactly when it is below that line."""
    for headroom, _, after in run(trace):
        if headroom is not None:
            assert (after.pressure >= Pressure.HARD) == (headroom < LINES.hard)
            assert (after.pressure == Pressure.CRITICAL) == (headroom < LINES.critical)


def test_soft_needs_the_whole_grace_without_a_break() -> None:
    """A dip that ends before its grace is over leaves the signal calm and starts anew."""
    trace = [(100, 0.0), (100, 9.0), (250, 0.5), (100, 0.5), (100, 9.9), (100, 0.2)]
    pressures = [after.pressure for _, _, after in run(trace)]
    assert pressures == [Pressure.CALM] * 5 + [Pressure.SOFT]


@pytest.mark.parametrize(("soft", "hard", "release"), [(50, 50, 60), (100, 50, 90)])
def test_lines_that_could_never_be_left_are_refused(soft: int, hard: int, release: int) -> None:
    """Thresholds that do not ascend from hard to release are refused."""
    with pytest.raises(ValueError, match="ascend"):
        Threshold(soft, hard, release, 1.0)


def test_limits_on_use_become_headroom() -> None:
    """Use of just under the soft limit is above the soft line as headroom."""
    lines = pressure.of_limits(800, 1000, 0.9, 5, 1100)
    assert (lines.soft, lines.hard, lines.release, lines.critical) == (200, 0, 280, -100)
