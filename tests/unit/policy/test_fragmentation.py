"""Whether free GPU memory of a WebUI lies in pieces."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import fragmentation
from podkeeper.policy.cause import Cause
from podkeeper.policy.fragmentation import Counted, Rules, Trend
from podkeeper.policy.gpu_finding import Answer, Finding

RULES = Rules(jobs=8, retries_per_job=1.0)


def found(*per_job: int | None, pid: int = 7, before: Trend | None = None) -> list[Finding]:
    """Return what is found of a WebUI that retries so often in each job."""
    trend, findings = before or Trend(), []
    counts = list(accumulate((each or 0 for each in per_job), initial=5))
    for at, (count, known) in enumerate(zip(counts, (0, *per_job), strict=True)):
        counted = Counted(pid, float(at), None if known is None else count, gpu=1)
        trend, finding = fragmentation.after_job(trend, counted, RULES)
        findings += [] if finding is None else [finding]
    return findings


def test_retries_that_rise_are_found_once() -> None:
    """It is found when the newer jobs retry more than the older, and not again while they do."""
    (finding,) = found(0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5)
    assert (finding.cause, finding.answer) == (Cause.VRAM_FRAGMENTED, Answer.NOTE)
    assert finding.evidence["retries_per_job"] == "0, 0, 0, 0, 1, 1, 2, 2"
    assert finding.gpu == 1


@pytest.mark.parametrize(
    "per_job",
    [
        (0,) * 20,
        (3,) * 20,
        (5, 4, 3, 2, 1, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 0, 0, 3),
        (1, 2, 3, 4, 5, 6, 7),
        (None,) * 20,
    ],
)
def test_what_does_not_rise_is_no_finding(per_job: tuple[int | None, ...]) -> None:
    """None at all, always the same, fewer, one large job, too few jobs, or no count."""
    assert found(*per_job) == []


def test_it_is_found_again_after_it_was_over() -> None:
    """Jobs without a single retry are the end of it."""
    rising = (0, 0, 0, 0, 2, 2, 2, 2)
    assert len(found(*rising, 0, 0, 0, 0, *rising)) == 2


def test_another_webui_begins_anew() -> None:
    """A count of another life, or one that falls, is no rise."""
    trend = Trend(pid=7, retries=50, per_job=(0, 0, 0, 0, 1, 1, 1))
    for counted in (Counted(8, 1.0, 90), Counted(7, 1.0, 3)):
        after, finding = fragmentation.after_job(trend, counted, RULES)
        assert finding is None
        assert after == Trend(counted.pid, counted.retries)


@given(st.lists(st.integers(0, 5), max_size=60))
def test_nothing_is_found_below_the_line(per_job: list[int]) -> None:
    """Whatever the order, a finding needs that many retries on average of the newer half."""
    for finding in found(*per_job):
        newest = [int(each) for each in str(finding.evidence["retries_per_job"]).split(", ")]
        assert sum(newest[-4:]) >= 4
        assert sum(newest[-4:]) > sum(newest[:4])
