"""What measured peaks teach the memory estimate."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from planning_strategies import (
    GIB,
    HAPPENINGS,
    LIMITS,
    MODELS,
    RULES,
    TABLE,
    estimators,
    fresh,
    taught,
    workloads,
)

from podkeeper.policy import calibration
from podkeeper.policy.calibration import Calibration, Measured
from podkeeper.policy.estimate import Estimator
from podkeeper.policy.vram_cost import Server, Workload, model_of

SMALL, LARGE = Workload(512, 512), Workload(768, 768, batch=4)


@given(MODELS, HAPPENINGS, LIMITS)
def test_what_is_known_stays_bounded_and_sound(
    model: object, happenings: list[tuple[Workload, float, str]], limit_bytes: float
) -> None:
    """Whatever happens, factors keep their bounds, lists their lengths, uncertainty its size."""
    start = Estimator(model, calibration.cold(RULES), RULES)  # type: ignore[arg-type]
    state = taught(start, happenings, limit_bytes).state
    assert all(RULES.factor_min <= each <= RULES.factor_max for each in state.factors)
    assert len(state.errors) <= RULES.window
    assert len(state.evidence.fitted) <= RULES.evidence
    assert len(state.evidence.hopeless) <= RULES.evidence
    uncertain = [state.covariance[index][index] for index in range(4)]
    assert all(0 <= each <= RULES.prior_deviation**2 * (1 + 1e-9) for each in uncertain)


@given(estimators())
def test_what_is_known_survives_a_file(estimator: Estimator) -> None:
    """Written as JSON and read again it is the same value."""
    data = msgspec.json.encode(estimator.state)
    assert msgspec.json.decode(data, type=Calibration) == estimator.state


@given(estimators(), workloads(), LIMITS)
def test_running_out_never_lowers_what_is_expected(
    estimator: Estimator, work: Workload, limit_bytes: float
) -> None:
    """After an out-of-memory no job is expected to need less."""
    after = estimator.overflowed(work, limit_bytes)
    for each in (work, SMALL, LARGE):
        assert after.point_bytes(each) >= estimator.point_bytes(each)


@given(estimators(), workloads(), st.floats(0.3, 3), st.floats(0.3, 3), LIMITS)
def test_the_higher_of_two_peaks_leaves_the_higher_expectation(
    estimator: Estimator, work: Workload, one: float, other: float, limit_bytes: float
) -> None:
    """Of two worlds that differ in one peak, the higher one expects more at the same instant."""
    peak = calibration.highest(estimator.state, estimator.model.peaks(work))
    states = [
        estimator.fitted(
            work, Measured(ratio * peak.total_bytes, exact=True), int(limit_bytes)
        ).state
        for ratio in sorted((one, other))
    ]
    # At its bounds a factor stands still while others go on.
    inside = [RULES.factor_min < each < RULES.factor_max for s in states for each in s.factors]
    assume(all(inside))
    low, high = (calibration.uncertain_bytes(state, peak) for state in states)
    assert low <= high * (1 + 1e-9)


@given(estimators(), workloads())
def test_the_guard_never_undercuts_what_is_expected(estimator: Estimator, work: Workload) -> None:
    """What a job is planned with is at least what it is expected to take."""
    assert estimator.guard_bytes(work) >= estimator.point_bytes(work)


@given(estimators(), workloads(), st.integers(1, 8), st.integers(1, 32))
def test_the_guard_grows_with_the_job_whatever_was_learned(
    estimator: Estimator, work: Workload, images: int, steps: int
) -> None:
    """More images at once or more pixels are never planned with less."""
    larger = replace(work, batch=work.batch + images, width=work.width + 8 * steps)
    assert estimator.guard_bytes(larger) >= estimator.guard_bytes(work)
    assert estimator.point_bytes(larger) >= estimator.point_bytes(work)


def test_a_cold_estimate_has_the_cold_margin() -> None:
    """Until enough peaks are known the guard is the table's estimate with the declared margin."""
    estimator = fresh()
    for index in range(RULES.cold_peaks):
        assert estimator.margin == RULES.cold_margin, index
        measured = Measured(estimator.point_bytes(SMALL), exact=True)
        estimator = estimator.fitted(SMALL, measured, int(8 * GIB))
    assert estimator.margin == pytest.approx(1.0)


def test_wrong_constants_are_found_from_noisy_peaks() -> None:
    """Peaks of a card whose true constants differ by a quarter lead to within a few percent."""
    luck = random.Random(7)  # noqa: S311 - a simulation
    truth = replace(fresh().state, factors=(1.1, 0.75, 1.25, 0.8))
    estimator, works = (
        fresh(),
        [
            Workload(512, 512, batch=8),
            Workload(768, 768),
            Workload(1024, 1024, encodes=True),
            Workload(512, 512, batch=16),
            Workload(512, 768, batch=2),
        ],
    )
    for index in range(200):
        work = works[index % len(works)]
        peaks = estimator.model.peaks(work)
        true = calibration.highest(truth, peaks)
        uncertain = calibration.uncertain_bytes(truth, true) * luck.lognormvariate(0, 0.05)
        measured = Measured(true.weights_bytes + uncertain, exact=True)
        estimator = estimator.fitted(work, measured, int(24 * GIB))
    for work in works:
        wanted = calibration.point_bytes(truth, estimator.model.peaks(work))
        assert estimator.point_bytes(work) == pytest.approx(wanted, rel=0.05)
        assert wanted < estimator.guard_bytes(work) < 1.3 * wanted


def test_thousands_of_jobs_leave_it_sound() -> None:
    """A worker that lives long keeps learning: neither certainty nor doubt runs away."""
    luck, estimator = random.Random(3), fresh()  # noqa: S311 - a simulation
    works = [SMALL, LARGE, Workload(1024, 1024), Workload(512, 512, 8, hires=(1024, 1024))]
    for _ in range(4000):
        work = luck.choice(works)
        peak = estimator.model.peaks(work)
        true = max(each.weights_bytes + 1.2 * sum(each.parts_bytes) for each in peak)
        measured = Measured(true * luck.lognormvariate(0, 0.02), exact=True)
        estimator = estimator.fitted(work, measured, int(24 * GIB))
    for work in works:
        true = max(e.weights_bytes + 1.2 * sum(e.parts_bytes) for e in estimator.model.peaks(work))
        assert estimator.point_bytes(work) == pytest.approx(true, rel=0.05)
        assert true * 0.98 < estimator.guard_bytes(work) < 1.3 * true


def test_what_was_never_seen_is_planned_with_what_may_be_wrong_about_it() -> None:
    """Peaks of sampling alone leave a decode as uncertain as it was, and its guard wide."""
    estimator = fresh()
    sampling = Workload(64, 64, batch=16)
    for _ in range(50):
        measured = Measured(estimator.point_bytes(sampling), exact=True)
        estimator = estimator.fitted(sampling, measured, int(24 * GIB))
    large = Workload(1024, 1024)
    seen, unseen = (
        each.guard_bytes(w) / each.point_bytes(w)
        for each, w in ((estimator, sampling), (estimator, large))
    )
    assert seen < 1.02
    assert unseen > 1.15
    assert 0 < estimator.chance(large, estimator.point_bytes(large)) < 1


def test_an_out_of_memory_that_was_expected_teaches_nothing() -> None:
    """A job that was thought too large and was, leaves everything as it is."""
    estimator = fresh()
    limit_bytes = estimator.point_bytes(LARGE) / (2 * RULES.overflow_ratio)
    assert estimator.overflowed(LARGE, limit_bytes) == estimator


def test_a_bound_below_the_estimate_lowers_it_and_one_above_does_not() -> None:
    """Where only a record of the process is seen, a job took no more than that."""
    estimator = fresh()
    expected = estimator.point_bytes(LARGE)
    above = estimator.fitted(LARGE, Measured(1.2 * expected, exact=False), int(24 * GIB))
    assert above.state.factors == estimator.state.factors
    below = estimator.fitted(LARGE, Measured(0.8 * expected, exact=False), int(24 * GIB))
    assert below.point_bytes(LARGE) < expected


def test_what_has_fitted_is_proven_and_what_is_larger_is_not() -> None:
    """A job that had room proves that no smaller one needs more, and nothing about larger ones."""
    estimator = fresh().fitted(LARGE, None, int(24 * GIB))
    assert estimator.proven(LARGE)
    assert estimator.proven(SMALL)
    assert not estimator.proven(replace(LARGE, batch=5))
    assert not estimator.proven(replace(LARGE, loras=1))
    assert not fresh().proven(SMALL)


def test_what_was_given_up_speaks_against_all_that_is_larger_until_it_fits() -> None:
    """A job for which nothing made room disproves larger ones; one that fits takes that back."""
    estimator = fresh().given_up(SMALL)
    assert estimator.disproven(SMALL)
    assert estimator.disproven(LARGE)
    assert not estimator.disproven(Workload(256, 256))
    assert estimator.given_up(LARGE) == estimator
    assert not estimator.fitted(LARGE, None, int(24 * GIB)).disproven(SMALL)


def test_what_was_learned_with_more_room_is_not_used_with_less() -> None:
    """A calibration applies where at least the declared share of its memory is there."""
    state = fresh().fitted(SMALL, None, int(24 * GIB)).state
    assert calibration.applies(state, int(23 * GIB), 0.95)
    assert not calibration.applies(state, int(12 * GIB), 0.95)
    assert calibration.applies(calibration.cold(RULES), int(1 * GIB), 0.95)


def test_only_what_may_teach_is_measured() -> None:
    """Early on every job is, later only one near the limit."""
    state = calibration.cold(RULES)
    learned = replace(state, peaks=RULES.learned_peaks)
    assert calibration.worth_measuring(state, 1.0, 24 * GIB, RULES)
    assert not calibration.worth_measuring(learned, 1.0, 24 * GIB, RULES)
    assert calibration.worth_measuring(learned, 20 * GIB, 24 * GIB, RULES)


def test_each_way_of_computing_has_a_name_of_its_own() -> None:
    """Whatever changes how much a job takes changes the name under which peaks are kept."""
    servers = [
        Server(),
        Server(attention="other"),
        Server(half=False),
        Server(half_vae=False),
        Server(medvram=True),
    ]
    assert len({each.flags for each in servers}) == len(servers)
    assert model_of(TABLE, "sd15", Server(attention="unheard of")).server.attention == "other"
