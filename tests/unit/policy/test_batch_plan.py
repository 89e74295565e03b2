"""In which form a job is planned to run, and how it is cut into requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_strategies import GIB, LIMITS, TABLE, estimators, exactly, fresh, workloads

from podkeeper.policy import batch_plan, sizes, split
from podkeeper.policy.batch_plan import Allowed, Plan, Room, Verdict
from podkeeper.policy.split import Seeds
from podkeeper.policy.vram_cost import Decoder, Server, Workload

if TYPE_CHECKING:
    from podkeeper.policy.estimate import Estimator

RATIO = TABLE.ladder.smaller_ratio
ALLOWED = st.builds(Allowed, split=st.booleans(), degrade=st.booleans())
SPLIT, WHOLE = Allowed(split=True), Allowed(split=False)
DEGRADE = Allowed(split=True, degrade=True)
SEEDS = st.integers(0, 2**32 - 1)


def plan(estimator: Estimator, work: Workload, limit_bytes: float, allowed: Allowed) -> Plan:
    """Return the plan of a job on a card of which all may be planned with."""
    return batch_plan.plan(estimator, work, Room(limit_bytes, limit_bytes), allowed, RATIO)


@given(estimators(), workloads(), LIMITS, ALLOWED)
def test_a_plan_never_exceeds_the_limit_by_its_own_model(
    estimator: Estimator, work: Workload, limit_bytes: float, allowed: Allowed
) -> None:
    """What is said to fit fits by the guard, and only what does not fit is tried or refused."""
    made = plan(estimator, work, limit_bytes, allowed)
    assert made.need_bytes == estimator.guard_bytes(made.work)
    assert (made.verdict is Verdict.FITS) == (made.need_bytes <= limit_bytes)
    assert made.limit_bytes == limit_bytes


@given(estimators(), workloads(), LIMITS, ALLOWED)
def test_a_plan_changes_no_more_than_is_allowed(
    estimator: Estimator, work: Workload, limit_bytes: float, allowed: Allowed
) -> None:
    """Batches shrink only where the job may be cut, pictures change only where it may degrade."""
    made = plan(estimator, work, limit_bytes, allowed).work
    assert 1 <= made.batch <= work.batch
    if not allowed.split:
        assert made.batch == work.batch
    if not allowed.degrade:
        assert replace(made, batch=work.batch, together=work.together) == work
    assert (made.width, made.height) == (work.width, work.height)


@given(estimators(), workloads(), LIMITS)
def test_the_largest_batch_that_fits_is_taken(
    estimator: Estimator, work: Workload, limit_bytes: float
) -> None:
    """One image more at once would not fit, or was not asked for."""
    made = plan(estimator, work, limit_bytes, SPLIT)
    if made.verdict is Verdict.FITS and made.work.together == work.together:
        larger = replace(made.work, batch=made.work.batch + 1)
        assert made.work.batch == work.batch or not estimator.fits(larger, limit_bytes)
        assert batch_plan.largest_batch(estimator, work, limit_bytes) == made.work.batch


def test_without_a_limit_a_job_runs_as_it_was_asked() -> None:
    """Where nothing is known of the card nothing is changed and nothing refused."""
    work = Workload(2048, 2048, batch=16)
    made = batch_plan.plan(fresh("sdxl"), work, None, SPLIT, RATIO)
    assert made == Plan(Verdict.FITS, work, None, None)


def need(estimator: Estimator, work: Workload) -> float:
    """Return what a job is planned with."""
    return estimator.guard_bytes(work)


@pytest.mark.parametrize(
    ("room_for", "wanted"),
    [
        (Workload(512, 512, 16), Workload(512, 512, 16)),
        (Workload(512, 512, 9), Workload(512, 512, 9)),
        (Workload(512, 512, 1), Workload(512, 512, 1)),
        (Workload(512, 512, 1, together=False), Workload(512, 512, 1, together=False)),
    ],
)
def test_a_job_shrinks_in_the_order_of_what_it_costs(room_for: Workload, wanted: Workload) -> None:
    """First the batch goes down, then the halves of a step go one after the other."""
    known = exactly()
    made = plan(known, Workload(512, 512, 16), need(known, room_for), SPLIT)
    assert (made.verdict, made.work) == (Verdict.FITS, wanted)


def test_a_job_that_cannot_be_cut_runs_whole_or_not() -> None:
    """Its batch stays; only the halves of its steps may go one after the other."""
    known, work = exactly(), Workload(512, 512, 16)
    apart = replace(work, together=False)
    assert plan(known, work, need(known, apart), WHOLE).work == apart
    assert plan(known, work, need(known, apart) * 0.9, WHOLE).verdict is Verdict.REFUSE


def test_a_job_that_may_just_fit_is_tried_and_one_that_cannot_is_refused() -> None:
    """Between the guard and the impossible a job is tried one image at a time."""
    known, work = fresh(), Workload(1024, 1024, 4)
    single = replace(work, batch=1)
    expected = known.point_bytes(single)
    assert plan(known, work, expected, SPLIT).verdict is Verdict.TRY
    assert plan(known, work, expected, SPLIT).work.batch == 1
    refused = plan(known, work, expected / 2, SPLIT)
    assert refused.verdict is Verdict.REFUSE
    assert (refused.need_bytes, refused.limit_bytes) == (need(known, refused.work), expected / 2)


def test_what_is_left_free_is_there_for_what_is_tried() -> None:
    """The reserve is not planned with, but a job is not refused for it either."""
    known, work = exactly(), Workload(1024, 1024)
    all_bytes = need(known, work) * 1.01
    made = batch_plan.plan(known, work, Room(all_bytes - GIB, all_bytes), SPLIT, RATIO)
    assert made.verdict is Verdict.TRY
    assert plan(known, work, all_bytes - GIB, SPLIT).verdict is Verdict.REFUSE


def test_what_has_fitted_before_is_not_refused() -> None:
    """One unlucky job does not have all of its kind refused."""
    work, known = Workload(1024, 1024), exactly()
    learning = replace(known.state, covariance=fresh().state.covariance)
    known, limit_bytes = replace(known, state=learning), known.point_bytes(work)
    fitted = known.fitted(work, None, int(limit_bytes))
    verdicts = [
        plan(each.overflowed(work, 1.5 * limit_bytes), asked, limit_bytes, SPLIT).verdict
        for each, asked in ((known, work), (fitted, work), (fitted, replace(work, width=1088)))
    ]
    assert verdicts == [Verdict.REFUSE, Verdict.TRY, Verdict.REFUSE]


def test_what_was_given_up_is_not_tried_again() -> None:
    """Where little is known, a kind of job is tried in doubt until nothing has made room for it."""
    known, work = fresh(), Workload(1024, 1024)
    limit_bytes = 0.93 * known.point_bytes(work)
    tried, again = known, known.given_up(replace(work, together=False))
    verdicts = [plan(each, work, limit_bytes, SPLIT).verdict for each in (tried, again)]
    assert verdicts == [Verdict.TRY, Verdict.REFUSE]


def test_a_job_is_degraded_only_where_it_may_and_must() -> None:
    """An approximate decoder comes first, a smaller hires pass with it where that is not enough."""
    known, work = exactly(), Workload(512, 512, hires=(2048, 2048))
    tiny = replace(work, decoder=Decoder.TINY)
    assert plan(known, work, need(known, tiny), SPLIT).verdict is Verdict.REFUSE
    assert plan(known, work, need(known, tiny), DEGRADE).work.decoder is Decoder.TINY
    small = plan(known, work, need(known, tiny) * 0.9, DEGRADE)
    assert small.verdict is Verdict.FITS
    assert small.work.hires == (1536, 1536)
    assert plan(known, work, need(known, work), DEGRADE).work == work


def test_a_refusal_knows_what_would_fit() -> None:
    """The job without its hires pass, and the largest size of the same shape."""
    known = exactly()
    work = Workload(1024, 512, batch=4, hires=(4096, 2048))
    limit_bytes = need(known, Workload(1536, 768))
    assert sizes.fitting(known, work, limit_bytes) == [
        "1024x512 without the hires pass",
        "1536x768",
    ]
    assert sizes.fitting(exactly("sdxl"), work, 4 * GIB) == []
    small = sizes.fitting(exactly("sdxl", Server(medvram=True)), work, 7 * GIB)
    assert small


@given(estimators(), workloads(), LIMITS)
def test_every_size_that_is_offered_fits(
    estimator: Estimator, work: Workload, limit_bytes: float
) -> None:
    """A client that asks for an offered size, one image at a time, is not refused again."""
    for text in sizes.fitting(estimator, work, limit_bytes):
        width, height = map(int, text.split()[0].split("x"))
        offered = replace(work, width=width, height=height, batch=1, hires=None)
        assert plan(estimator, offered, limit_bytes, SPLIT).verdict is Verdict.FITS


@given(
    st.integers(1, 64),
    st.integers(1, 16),
    st.builds(Seeds, seed=SEEDS, subseed=SEEDS, subseed_strength=st.sampled_from([0.0, 0.3, 1.0])),
)
def test_portions_keep_every_seed_in_its_place(total: int, batch: int, asked: Seeds) -> None:
    """Cut anywhere, a job makes the same images in the same order, and each exactly once."""
    made = []
    for portion in split.portions(total, batch):
        assert portion.first == len(made)
        assert portion.batch <= batch
        made += split.each_image(split.seeds_of(portion, asked), portion.count)
    assert made == split.each_image(asked, total)


@given(st.integers(1, 64), st.integers(1, 16))
def test_portions_cost_no_more_iterations_than_they_must(total: int, batch: int) -> None:
    """Batches are filled evenly: as few of them as the largest one allows, in two requests."""
    found = split.portions(total, batch)
    assert sum(each.iterations for each in found) == -(-total // batch)
    assert len(found) <= 2


@given(st.integers(1, 16), st.integers(1, 16))
def test_a_job_that_fits_as_asked_is_sent_as_asked(batch: int, iterations: int) -> None:
    """Nothing is cut where nothing has to be."""
    found = split.portions(batch * iterations, batch)
    assert [(each.batch, each.iterations) for each in found] == [(batch, iterations)]
