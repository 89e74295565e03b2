"""Since when nothing has moved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import stall
from podkeeper.policy.stall import Lines, Signs, Still

LINES = Lines(window_s=10.0, cpu_ratio=0.1, gpu_ratio=0.02, io_bytes=1000)
#: Up to here processor time within a window is standing still.
CPU_S = 1.0
FIRST = Signs(at_s=100.0, cpu_s=5.0, moved_at_s=90.0, gpu_ratio=0.0, io_bytes=7)
STILL = Still(100.0, 5.0, 7)


@pytest.mark.parametrize(
    ("changes", "moves"),
    [
        ({}, False),
        ({"cpu_s": 5.9}, False),
        ({"cpu_s": 6.1}, True),
        ({"cpu_s": 4.9}, True),
        ({"io_bytes": 1007}, False),
        ({"io_bytes": 1008}, True),
        ({"io_bytes": 6}, True),
        ({"cpu_s": 5.2, "cpu_wait_ratio": 0.9}, True),
        ({"cpu_s": 5.05, "cpu_wait_ratio": 0.9}, False),
        ({"gpu_ratio": 0.02}, False),
        ({"gpu_ratio": 0.03}, True),
        ({"moved_at_s": 100.0}, False),
        ({"moved_at_s": 104.0}, True),
        ({"io_bytes": None, "gpu_ratio": None, "moved_at_s": None}, False),
        ({"io_bytes": None, "gpu_ratio": 1.0, "moved_at_s": None}, True),
    ],
)
def test_each_sign_alone_shows_movement(changes: dict[str, float], *, moves: bool) -> None:
    """More than noise of any one sign starts the window anew; an unknown one does not."""
    signs = replace(FIRST, at_s=105.0, **changes)
    assert stall.look(STILL, signs, LINES) == (
        Still(105.0, signs.cpu_s or 0.0, signs.io_bytes) if moves else STILL
    )


def test_without_processor_time_nothing_is_known() -> None:
    """A window that was not watched is no window."""
    assert stall.look(STILL, replace(FIRST, cpu_s=None), LINES) is None


def test_a_sign_that_comes_late_counts_from_then() -> None:
    """Bytes that could not be read before are compared with the first that can."""
    known = stall.look(Still(100.0, 5.0), replace(FIRST, at_s=101.0, io_bytes=50), LINES)
    assert known == Still(100.0, 5.0, 50)


def test_standing_still_takes_a_whole_window() -> None:
    """Neither nothing nor a moment less is enough."""
    assert not stall.stands(None, 110.0, 10.0)
    assert not stall.stands(STILL, 109.9, 10.0)
    assert stall.stands(STILL, 110.0, 10.0)


@st.composite
def traces(draw: st.DrawFn) -> list[Signs]:
    """Draw what is seen of a program: each sign known or not, moving or not, at uneven times."""
    signs: list[Signs] = []
    at_s, cpu_s, io_bytes, moved_at_s = 0.0, 0.0, 0, 0.0
    steps = st.tuples(
        st.sampled_from([0.5, 1.0, 3.0]),
        st.sampled_from([*[0.0] * 20, *[0.04] * 8, 0.5, 2.0]),
        st.sampled_from([*[0] * 20, *[30] * 8, 5000]),
        st.sampled_from([*[0.0] * 20, *[None] * 8, 0.9]),
        st.booleans(),
        st.sampled_from([*["all"] * 30, "no cpu", "no io"]),
    )
    for pause_s, used_s, moved_bytes, gpu_ratio, progressed, known in draw(
        st.lists(steps, max_size=80)
    ):
        at_s, cpu_s, io_bytes = at_s + pause_s, cpu_s + used_s, io_bytes + moved_bytes
        moved_at_s = at_s if progressed and used_s > 1 else moved_at_s
        signs.append(
            Signs(
                at_s=at_s,
                cpu_s=None if known == "no cpu" else cpu_s,
                moved_at_s=moved_at_s,
                gpu_ratio=gpu_ratio,
                io_bytes=None if known == "no io" else io_bytes,
            )
        )
    return signs


@given(traces())
def test_what_moved_within_the_window_never_stands_still(trace: list[Signs]) -> None:
    """Whatever the trace: where it is said to stand still, no known sign moved for a window."""
    still: Still | None = None
    for index, signs in enumerate(trace):
        still = stall.look(still, signs, LINES)
        if not stall.stands(still, signs.at_s, LINES.window_s):
            continue
        within = [e for e in trace[: index + 1] if e.at_s >= signs.at_s - LINES.window_s]
        times = [e.cpu_s for e in within]
        assert None not in times
        assert max(times) - min(times) <= CPU_S  # type: ignore[type-var,operator]
        volumes = [e.io_bytes for e in within if e.io_bytes is not None]
        assert not volumes or max(volumes) - min(volumes) <= LINES.io_bytes
        assert all((e.gpu_ratio or 0.0) <= LINES.gpu_ratio for e in within[1:])
        assert (signs.moved_at_s or 0.0) <= signs.at_s - LINES.window_s


@given(traces(), st.floats(0.1, 2.0))
def test_what_stands_still_is_found_whatever_was_before(trace: list[Signs], pause_s: float) -> None:
    """After any trace a program of which nothing moves any more is found within two windows."""
    still: Still | None = None
    for signs in trace:
        still = stall.look(still, signs, LINES)
    at_s = trace[-1].at_s if trace else 0.0
    end_s = at_s + 2 * LINES.window_s + pause_s
    while at_s < end_s:
        at_s += pause_s
        dead = Signs(at_s=at_s, cpu_s=1000.0, moved_at_s=0.0, gpu_ratio=0.0, io_bytes=10**6)
        still = stall.look(still, dead, LINES)
    assert stall.stands(still, at_s, LINES.window_s)
