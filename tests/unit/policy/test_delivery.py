"""What the platform's answer to a result means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy.backoff import Backoff
from podkeeper.policy.delivery import Verdict, judge, pause_s

BACKOFF = Backoff(first_s=0.5, factor=2.0, max_s=30.0, jitter_ratio=0.3)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.ACCEPTED),
        (204, Verdict.ACCEPTED),
        (None, Verdict.LATER),
        (301, Verdict.LATER),
        (401, Verdict.LATER),
        (408, Verdict.LATER),
        (429, Verdict.LATER),
        (500, Verdict.LATER),
        (503, Verdict.LATER),
        (400, Verdict.TOO_LARGE),
        (413, Verdict.TOO_LARGE),
        (404, Verdict.UNWANTED),
        (409, Verdict.UNWANTED),
        (410, Verdict.UNWANTED),
    ],
)
def test_each_status_has_one_meaning(status: int | None, verdict: Verdict) -> None:
    """Outages are waited for, refusals are not."""
    assert judge(status, failed=False) is verdict


def test_an_error_cannot_be_made_smaller() -> None:
    """A refused error ends the matter: it would be refused for ever."""
    assert judge(400, failed=True) is Verdict.UNWANTED
    assert judge(503, failed=True) is Verdict.LATER


@given(
    st.integers(1, 10_000),
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(0, 1e9)),
)
def test_a_pause_is_never_longer_than_the_longest(
    failures: int, luck: float, asked_s: float | None
) -> None:
    """What the platform asks for is respected, up to the bound."""
    found_s = pause_s(BACKOFF, failures, luck, asked_s)
    assert 0 < found_s <= BACKOFF.max_s
    if asked_s is not None:
        assert found_s >= min(asked_s, BACKOFF.max_s)
