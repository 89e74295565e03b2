"""What is a client told of the memory that its job took, and of a job that does not fit?

Covers: the part `memory` of a result, and the figures of a failure. Pure. Sizes are in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handler.codes import Code
from handler.errors import JobError
from podkeeper.policy import sizes
from podkeeper.policy.oom_signs import Trouble
from podkeeper.units import format_size

if TYPE_CHECKING:
    from handler.planning import Scene
    from handler.ram import Ram
    from podkeeper.policy.batch_plan import Plan
    from podkeeper.policy.course import Course
    from podkeeper.policy.oom_ladder import Step
    from podkeeper.policy.vram_cost import Workload

_FAILED = {Trouble.VRAM: Code.VRAM_OOM, Trouble.RAM: Code.RAM_OOM}


@dataclass
class Seen:
    """What was planned and seen of one job so far."""

    plan: Plan | None = None
    #: The most that any of its requests was measured to take; None where none was measured.
    peak_bytes: float | None = None
    batches: list[int] = field(default_factory=list)
    ram: Ram | None = None

    def measured(self, peak_bytes: float | None) -> None:
        """Note the peak of one request."""
        known = [each for each in (self.peak_bytes, peak_bytes) if each is not None]
        self.peak_bytes = max(known, default=None)


def _whole(size_bytes: float | None) -> int | None:
    return None if size_bytes is None else int(size_bytes)


def changes(work: Workload, asked: Workload) -> list[str]:
    """Return in words what of a job's pictures is worse than asked."""
    found = []
    if work.decoder != asked.decoder:
        found.append(f"decoded with the {work.decoder} decoder instead of the {asked.decoder} one")
    if work.hires != asked.hires and work.hires and asked.hires:
        new, old = ("x".join(map(str, size)) for size in (work.hires, asked.hires))
        found.append(f"the hires pass has {new} pixels instead of {old}")
    return found


def receipt(seen: Seen, course: Course, asked: Workload) -> dict[str, object]:
    """Return what a job took of the card, and what was done so that it fits."""
    plan = seen.plan
    return {
        "planned_peak_bytes": _whole(plan.need_bytes) if plan else None,
        "observed_peak_bytes": _whole(seen.peak_bytes),
        "limit_bytes": _whole(plan.limit_bytes) if plan else None,
        "planned_ram_bytes": seen.ram.planned_bytes if seen.ram else None,
        "ram_limit_bytes": seen.ram.limit_bytes if seen.ram else None,
        "requests": course.requests,
        "batches": seen.batches,
        "retries": [str(step) for step in course.steps],
        "degraded": changes(course.work, asked),
    }


def _or_else(fitting: list[str]) -> str:
    return f"; what would fit: {', '.join(fitting)}" if fitting else "; no size would fit"


def refused(plan: Plan, scene: Scene) -> JobError:
    """Return the error of a job that can never fit."""
    need, have = _whole(plan.need_bytes) or 0, _whole(plan.limit_bytes) or 0
    fitting = sizes.fitting(scene.estimator, scene.asked, have)
    text = (
        f"the job needs about {format_size(need)} of video memory one image at a time, "
        f"the card leaves it {format_size(have)}{_or_else(fitting)}"
    )
    return JobError(
        Code.VRAM_TOO_SMALL, text, need_bytes=need, have_bytes=have, sizes_that_fit=fitting
    )


def failed(
    trouble: Trouble, said: str, scene: Scene, work: Workload, steps: tuple[Step, ...]
) -> JobError:
    """Return the error of a job for which nothing has helped.

    Args:
        trouble: What its last attempt failed with.
        said: The WebUI's own words.
        scene: What was known then.
        work: The form of the last attempt.
        steps: What had been done before it.
    """
    figures: dict[str, object] = {"retries": [str(step) for step in steps]}
    if trouble is Trouble.VRAM:
        need = _whole(scene.estimator.point_bytes(work))
        figures |= {"need_bytes": need, "have_bytes": scene.limit_bytes}
    done = f" after {', '.join(steps)}" if steps else ""
    return JobError(_FAILED.get(trouble, Code.WEBUI_FAILED), f"{said}{done}", **figures)
