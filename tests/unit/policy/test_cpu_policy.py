"""How much of the processors' time is left."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy.cpu import Left, Seen, left


def test_the_worst_of_our_own_signs_counts() -> None:
    """It is told in words."""
    found = left(Seen(quota=True, throttled_ratio=0.5, own_wait_ratio=0.25))
    assert found == Left(0.5, "50% of the quota's periods are cut short")
    found = left(Seen(quota=True, throttled_ratio=0.25, own_wait_ratio=0.75))
    assert found == Left(0.25, "somebody waits for a processor 75% of the time")


@pytest.mark.parametrize(
    ("seen", "ratio"),
    [
        (Seen(own_wait_ratio=0.25, machine_wait_ratio=1.0), 0.75),
        (Seen(quota=True, throttled_ratio=0.0, machine_wait_ratio=1.0), 1.0),
        (Seen(machine_wait_ratio=1.0), 0.0),
    ],
)
def test_other_tenants_count_only_where_we_are_not_known_apart(seen: Seen, ratio: float) -> None:
    """Whoever else waits on the machine is no shortage of ours."""
    found = left(seen)
    assert found is not None
    assert found.ratio == ratio


def test_a_quota_without_a_period_is_unknown() -> None:
    """The machine does not answer in its place."""
    assert left(Seen(quota=True, machine_wait_ratio=1.0)) is None


def test_the_queue_counts_where_nobody_tells_who_waits() -> None:
    """As many waiting as running is half; an empty queue is all."""
    queue = Seen(runnable=8, machine_cores=4)
    assert left(queue) == Left(0.5, "8 threads want to run on 4 cores")
    assert left(replace(queue, runnable=0)) == Left(1.0, "0 threads want to run on 4 cores")
    assert left(replace(queue, machine_wait_ratio=0.25)).ratio == 0.75  # type: ignore[union-attr]


def test_nothing_known_is_no_headroom() -> None:
    """Unknown signs give no headroom, neither all nor none."""
    assert left(Seen()) is None
    assert left(Seen(runnable=8)) is None


ratios = st.one_of(st.none(), st.floats(0, 1))
counts = st.one_of(st.none(), st.integers(0, 500))


@given(seen=st.builds(Seen, st.booleans(), ratios, ratios, ratios, counts, counts))
def test_what_is_left_is_a_share(seen: Seen) -> None:
    """Whatever is known, it lies between none and all."""
    found = left(seen)
    assert found is None or 0 <= found.ratio <= 1
