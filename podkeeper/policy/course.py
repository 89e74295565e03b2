"""Where is a job on its way through portions and steps?

Covers: which images are made, in which form the rest runs, and what a step makes of that form.
Whoever runs jobs asks for the next portion, runs it, and says what came of it; the same value
carries a job over the death of a WebUI without making an image twice.
Leaves out: running (`handler.making`), choosing the first form (`policy.batch_plan`) and the next
step (`policy.oom_ladder`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.policy import split
from podkeeper.policy.batch_plan import largest_batch, smaller
from podkeeper.policy.oom_ladder import Step
from podkeeper.policy.vram_cost import Decoder

if TYPE_CHECKING:
    from podkeeper.policy.estimate import Estimator
    from podkeeper.policy.split import Portion
    from podkeeper.policy.vram_cost import Workload


@dataclass(frozen=True)
class Course:
    """A job under way."""

    #: Images asked for.
    total: int
    #: The form in which what is left runs.
    work: Workload
    #: Images made, counted from the first.
    done: int = 0
    #: Requests that were answered with images.
    requests: int = 0
    #: What was done about memory that ran out.
    steps: tuple[Step, ...] = ()

    @property
    def finished(self) -> bool:
        """Return whether all images are made."""
        return self.done >= self.total

    def portion(self) -> Portion:
        """Return the images to make next; there must be some left."""
        return split.next_portion(self.done, self.total, self.work.batch)

    def running(self, portion: Portion) -> Workload:
        """Return what a portion is to the card."""
        return replace(self.work, batch=portion.batch)

    def made(self, portion: Portion) -> Course:
        """Return the course once a portion is made."""
        done = portion.first + portion.count
        return replace(self, done=done, requests=self.requests + 1)

    def after(
        self,
        step: Step,
        estimator: Estimator | None,
        limit_bytes: float | None,
        smaller_ratio: float,
    ) -> Course:
        """Return the course once a step is taken; the estimate knows of the failure already."""
        work = self.work
        if step is Step.HALVE:
            work = _halved(work, estimator, limit_bytes)
        elif step is Step.APART:
            work = replace(work, together=False)
        elif step is Step.APPROXIMATE:
            work = replace(work, decoder=Decoder.TINY)
        elif step is Step.SHRINK:
            work = smaller(work, smaller_ratio)
        return replace(self, work=work, steps=(*self.steps, step))


def _halved(work: Workload, estimator: Estimator | None, limit_bytes: float | None) -> Workload:
    """Return the job with half the batch, or less where that would hardly fit either."""
    half = replace(work, batch=max(1, work.batch // 2))
    if estimator is None or limit_bytes is None:
        return half
    return replace(half, batch=max(1, largest_batch(estimator, half, limit_bytes)))
