"""Which sizes would fit where a job's does not?

Covers: the largest size of the same shape, and the job without its hires pass.
Leaves out: whether the job fits (`policy.batch_plan`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.policy.estimate import Estimator
    from podkeeper.policy.vram_cost import Workload

#: Sides are whole multiples of this, as most models were trained on.
_STEP = 64


def _scaled(work: Workload, side: int) -> Workload:
    """Return the job at a size of the same shape whose longer side is `side`, without hires."""
    ratio = side / max(work.width, work.height)
    short = max(_STEP, round(min(work.width, work.height) * ratio / _STEP) * _STEP)
    size = (side, short) if work.width >= work.height else (short, side)
    return replace(work, width=size[0], height=size[1], hires=None, hires_encodes=False)


def _text(work: Workload) -> str:
    return f"{work.width}x{work.height}"


def fitting(estimator: Estimator, work: Workload, limit_bytes: float) -> list[str]:
    """Return sizes that would fit one image at a time, in words; empty where none does."""
    single = replace(work, batch=1)
    found = []
    if single.hires is not None:
        plain = replace(single, hires=None, hires_encodes=False)
        if estimator.fits(plain, limit_bytes):
            found.append(f"{_text(plain)} without the hires pass")
    longest = max(single.hires or (single.width, single.height))
    for side in range(math.ceil(longest / _STEP) * _STEP, 0, -_STEP):
        scaled = _scaled(single, side)
        if estimator.fits(scaled, limit_bytes):
            return [*found, _text(scaled)]
    return found
