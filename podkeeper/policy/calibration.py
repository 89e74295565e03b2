"""How far are the constants of the memory estimate right on this card?

Each part of a peak (context, UNet, decode, encode) has a factor that begins at 1 and is fitted to
measured peaks by recursive least squares that forget. That is the point estimate. The guard on top
of it covers a quantile of the errors that the point estimate has made so far (a conformal
quantile); until a few peaks are known it is a fixed cold margin. An out-of-memory is a censored
observation: the peak was at least the limit and somewhat more, and it only ever raises a factor.

Covers: one way of computing (architecture, number format, attention, flags), as a value of bounded
size that can be kept in a file.
Leaves out: which peaks a job may have (`policy.vram_cost`), keeping it (`handler.calibrations`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from podkeeper.policy import evidence
from podkeeper.policy.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from podkeeper.model.vram import CalibrationRules
    from podkeeper.policy.vram_cost import Peak

_GIB = float(1 << 30)
_PARTS = 4
#: Quantiles of a normal distribution, each as likely as the next.
_OFF = (-1.28, -0.52, 0.0, 0.52, 1.28)
Factors = tuple[float, ...]
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Calibration:
    """What measured peaks have taught."""

    #: Of context, UNet, decode and encode, against the table's constants.
    factors: Factors
    #: How uncertain the factors are, together.
    covariance: Matrix
    #: Measured against expected, of the last peaks, oldest first.
    errors: tuple[float, ...] = ()
    #: Peaks measured so far.
    peaks: int = 0
    #: What jobs have shown, whatever the factors are.
    evidence: Evidence = field(default_factory=Evidence)
    #: The most memory under which it was learned.
    limit_bytes: int = 0


@dataclass(frozen=True)
class Measured:
    """What was seen of a job's peak."""

    most_bytes: float
    #: Whether it is the peak itself, rather than a bound: only a record of the process is seen.
    exact: bool


def cold(rules: CalibrationRules) -> Calibration:
    """Return what is believed before anything was measured."""
    variance = rules.prior_deviation**2
    diagonal = tuple(
        tuple(variance if row == column else 0.0 for column in range(_PARTS))
        for row in range(_PARTS)
    )
    return Calibration((1.0,) * _PARTS, diagonal)


def is_sound(state: Calibration) -> bool:
    """Return whether a state that was read from somewhere has the shape of one."""
    rows = (state.factors, *state.covariance)
    square = len(state.covariance) == _PARTS and all(len(row) == _PARTS for row in rows)
    return square and evidence.is_sound(state.evidence, _PARTS + 1)


def applies(state: Calibration, limit_bytes: int, ratio: float) -> bool:
    """Return whether it may be used under a limit.

    What was learned with more room than there is now may hide what the allocator did with it.
    """
    return limit_bytes >= ratio * state.limit_bytes


def _dot(left: Iterable[float], right: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def uncertain_bytes(state: Calibration, peak: Peak) -> float:
    """Return what a peak is expected to take beside the weights."""
    return _dot(state.factors, peak.parts_bytes)


def highest(state: Calibration, peaks: Sequence[Peak]) -> Peak:
    """Return the peak that is expected to be the highest."""
    return max(peaks, key=lambda peak: peak.weights_bytes + uncertain_bytes(state, peak))


def point_bytes(state: Calibration, peaks: Sequence[Peak]) -> float:
    """Return what a job is expected to take."""
    peak = highest(state, peaks)
    return peak.weights_bytes + uncertain_bytes(state, peak)


def margin(state: Calibration, rules: CalibrationRules) -> float:
    """Return the factor by which the guard exceeds what is expected; at least 1."""
    if state.peaks < rules.cold_peaks:
        return rules.cold_margin
    ordered = sorted(state.errors)
    # The rank of a conformal quantile: one more error is about to be drawn.
    rank = math.ceil((len(ordered) + 1) * rules.guard_quantile)
    return max(1.0, ordered[min(rank, len(ordered)) - 1])


def _deviation_bytes(state: Calibration, peak: Peak) -> float:
    """Return how far the factors may be off at a peak, as a standard deviation."""
    parts, variances = peak.parts_bytes, [state.covariance[i][i] for i in range(_PARTS)]
    # Rounding may leave a certain factor a variance just below 0.
    return math.sqrt(sum(max(0.0, variances[i]) * parts[i] ** 2 for i in range(_PARTS)))


def guard_bytes(
    state: Calibration, peaks: Sequence[Peak], factor: float, rules: CalibrationRules
) -> float:
    """Return what a job is planned with, given the margin: it will hardly take more.

    What measured jobs have not shown, such as a decode that was never the highest peak, is planned
    with what may be wrong about it.
    """
    # The cold margin covers the first uncertainty already.
    deviations = rules.guard_deviations if state.peaks >= rules.cold_peaks else 0.0

    def guard(peak: Peak) -> float:
        expected = uncertain_bytes(state, peak)
        unknown = deviations * _deviation_bytes(state, peak)
        return peak.weights_bytes + expected + math.hypot((factor - 1) * expected, unknown)

    return max(map(guard, peaks))


def chance(
    state: Calibration, peaks: Sequence[Peak], limit_bytes: float, rules: CalibrationRules
) -> float:
    """Return how likely a job is to fit under a limit, from 0 to 1."""
    return min(_chance(state, peak, limit_bytes - peak.weights_bytes, rules) for peak in peaks)


def _chance(state: Calibration, peak: Peak, room_bytes: float, rules: CalibrationRules) -> float:
    errors = state.errors if state.peaks >= rules.cold_peaks else (1.0,)
    expected, deviation = uncertain_bytes(state, peak), _deviation_bytes(state, peak)
    fitting = sum(
        error * expected + off * deviation <= room_bytes for error in errors for off in _OFF
    )
    return fitting / (len(errors) * len(_OFF))


def fitted(
    state: Calibration,
    peaks: Sequence[Peak],
    measured: Measured | None,
    limit_bytes: int,
    rules: CalibrationRules,
) -> Calibration:
    """Return what is known once a job has had room under a limit."""
    state = replace(
        state,
        evidence=evidence.fitted(state.evidence, peaks, rules.evidence),
        limit_bytes=max(state.limit_bytes, limit_bytes),
    )
    if measured is None or not (measured.exact or point_bytes(state, peaks) > measured.most_bytes):
        return state
    peak = highest(state, peaks)
    return _learned(state, peak, max(0.0, measured.most_bytes - peak.weights_bytes), rules)


def given_up(state: Calibration, peaks: Sequence[Peak], rules: CalibrationRules) -> Calibration:
    """Return what is known once nothing has made room for a job."""
    peak = highest(state, peaks)
    return replace(state, evidence=evidence.given_up(state.evidence, peak, rules.evidence))


def overflowed(
    state: Calibration, peaks: Sequence[Peak], limit_bytes: float, rules: CalibrationRules
) -> Calibration:
    """Return what is known once a job has run out of memory under a limit."""
    peak = highest(state, peaks)
    least = limit_bytes * rules.overflow_ratio - peak.weights_bytes
    if least <= uncertain_bytes(state, peak):
        return state  # nothing new: it was expected to need as much
    learned = _learned(state, peak, least, rules)
    raised = tuple(map(max, state.factors, learned.factors))
    return replace(learned, factors=raised)


def worth_measuring(
    state: Calibration, planned_bytes: float, limit_bytes: float, rules: CalibrationRules
) -> bool:
    """Return whether a job's peak would teach enough to be asked for."""
    return state.peaks < rules.learned_peaks or planned_bytes > rules.near_ratio * limit_bytes


def _learned(
    state: Calibration, peak: Peak, measured_bytes: float, rules: CalibrationRules
) -> Calibration:
    """Return the state after one step of recursive least squares, in GiB."""
    parts = [each / _GIB for each in peak.parts_bytes]
    expected = max(_dot(state.factors, parts), 1e-9)
    measured = measured_bytes / _GIB
    spread = [_dot(row, parts) for row in state.covariance]
    noise = (rules.noise_ratio * expected) ** 2
    weight = noise * rules.forgetting + _dot(parts, spread)
    gain = [each / weight for each in spread]
    error = measured - _dot(state.factors, parts)
    low, high = rules.factor_min, rules.factor_max
    factors = tuple(
        min(high, max(low, factor + each * error))
        for factor, each in zip(state.factors, gain, strict=True)
    )
    covariance = tuple(
        tuple(
            (state.covariance[row][column] - gain[row] * spread[column]) / rules.forgetting
            for column in range(_PARTS)
        )
        for row in range(_PARTS)
    )
    errors = (*state.errors, measured / expected)[-rules.window :]
    return replace(
        state,
        factors=factors,
        covariance=_bounded(covariance, rules),
        errors=errors,
        peaks=state.peaks + 1,
    )


def _bounded(covariance: Matrix, rules: CalibrationRules) -> Matrix:
    """Return it with no factor more uncertain than it was at first.

    Forgetting without ever seeing a part would let its uncertainty grow without end.
    """
    most = rules.prior_deviation**2
    scales = [
        math.sqrt(most / covariance[i][i]) if covariance[i][i] > most else 1.0
        for i in range(_PARTS)
    ]
    return tuple(
        tuple(scales[row] * scales[column] * covariance[row][column] for column in range(_PARTS))
        for row in range(_PARTS)
    )
