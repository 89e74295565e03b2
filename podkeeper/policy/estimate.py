"""How much does a job need, by what is known of this model on this card?

Covers: the cost model and its calibration together, as one value that answers questions about jobs.
Leaves out: what follows from the answers (`policy.batch_plan`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from podkeeper.policy import calibration, evidence

if TYPE_CHECKING:
    from podkeeper.model.vram import CalibrationRules
    from podkeeper.policy.calibration import Calibration, Measured
    from podkeeper.policy.vram_cost import Model, Workload


@dataclass(frozen=True)
class Estimator:
    """What jobs need. Sizes are in bytes, the CUDA context included."""

    model: Model
    state: Calibration
    rules: CalibrationRules

    def guard_bytes(self, work: Workload) -> float:
        """Return what a job is planned with."""
        return calibration.guard_bytes(self.state, self.model.peaks(work), self.margin, self.rules)

    @cached_property
    def margin(self) -> float:
        """Return the factor of the guard; the same for every job."""
        return calibration.margin(self.state, self.rules)

    def point_bytes(self, work: Workload) -> float:
        """Return what a job is expected to take."""
        return calibration.point_bytes(self.state, self.model.peaks(work))

    def fits(self, work: Workload, limit_bytes: float) -> bool:
        """Return whether a job fits as surely as can be said."""
        return self.guard_bytes(work) <= limit_bytes

    def chance(self, work: Workload, limit_bytes: float) -> float:
        """Return how likely it is to fit, from 0 to 1."""
        return calibration.chance(self.state, self.model.peaks(work), limit_bytes, self.rules)

    def proven(self, work: Workload) -> bool:
        """Return whether a job that needed at least as much has fitted."""
        return evidence.proven(self.state.evidence, self.model.peaks(work))

    def disproven(self, work: Workload) -> bool:
        """Return whether a job that needed at most as much has been given up."""
        return evidence.disproven(self.state.evidence, self.model.peaks(work))

    def given_up(self, work: Workload) -> Estimator:
        """Return what is known once nothing has made room for a job."""
        peaks = self.model.peaks(work)
        return replace(self, state=calibration.given_up(self.state, peaks, self.rules))

    def fitted(self, work: Workload, measured: Measured | None, limit_bytes: int) -> Estimator:
        """Return what is known once a job has had room under a limit."""
        peaks = self.model.peaks(work)
        state = calibration.fitted(self.state, peaks, measured, limit_bytes, self.rules)
        return replace(self, state=state)

    def overflowed(self, work: Workload, limit_bytes: float) -> Estimator:
        """Return what is known once a job has run out of memory."""
        peaks = self.model.peaks(work)
        state = calibration.overflowed(self.state, peaks, limit_bytes, self.rules)
        return replace(self, state=state)
