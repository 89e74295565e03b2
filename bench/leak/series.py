"""What does a WebUI hold after each job? Made up, from fixed seeds.

A job changes the checkpoint with 8 % and so the level; the first jobs warm up; one job in sixteen
fills a cache that is held for 3 to 25 jobs; every reading is off by up to 25 MB. An allocator that
ratchets keeps two fifths of the largest transient so far, and transients have no largest size: its
records come more and more seldom, and it never stops for good. The numbers are chosen from what
A1111 was seen to hold (an SD 1.5 and an SDXL worker, ControlNet weights, LoRA copies), not measured
as a distribution.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

JOBS = 300
LEVELS_MB = {"sd15": 6000.0, "sd15-inpainting": 6400.0, "sdxl": 9500.0}
WARM_UP_MB, WARM_UP_JOBS = 600.0, 4.0
_SWITCH_RATIO = 0.08
_CACHE_RATIO, _CACHE_MB, _CACHE_JOBS = 0.06, (100.0, 600.0), (3, 25)
_NOISE_MB = 25.0
_TRANSIENT_MB, _KEPT_RATIO = 400.0, 0.4

#: A checkpoint, and what is held after a job with it.
Reading = tuple[str, float]


@dataclass(frozen=True)
class Kind:
    """One kind of series."""

    name: str
    switches: bool = True
    ratchet: bool = False
    leak_mb_per_job: float = 0.0
    leak_mb_per_switch: float = 0.0

    @property
    def leaks(self) -> bool:
        """Whether there is anything to find."""
        return self.leak_mb_per_job + self.leak_mb_per_switch > 0


CLEAN = (
    Kind("switches"),
    Kind("one checkpoint", switches=False),
    Kind("switches, ratchet", ratchet=True),
    Kind("one checkpoint, ratchet", switches=False, ratchet=True),
)
LEAKING = (
    *(Kind(f"{mb} MB/job", leak_mb_per_job=mb) for mb in (5, 10, 20, 50)),
    Kind("400 MB/switch", leak_mb_per_switch=400),
)


def readings(kind: Kind, number: int) -> list[Reading]:
    """Return one series; the same kind and number make the same one."""
    luck = random.Random(f"{kind.name} {number}")  # noqa: S311 - repeatable, no secret
    checkpoint = luck.choice(list(LEVELS_MB))
    caches: list[tuple[float, int]] = []
    leaked_mb = largest_mb = 0.0
    made = []
    for job in range(JOBS):
        if kind.switches and job and luck.random() < _SWITCH_RATIO:
            checkpoint = luck.choice([name for name in LEVELS_MB if name != checkpoint])
            leaked_mb += kind.leak_mb_per_switch
        leaked_mb += kind.leak_mb_per_job
        caches = [(mb, until) for mb, until in caches if until > job]
        if luck.random() < _CACHE_RATIO:
            caches.append((luck.uniform(*_CACHE_MB), job + luck.randint(*_CACHE_JOBS)))
        largest_mb = max(largest_mb, luck.expovariate(1 / _TRANSIENT_MB))
        held_mb = LEVELS_MB[checkpoint] + sum(mb for mb, _ in caches) + leaked_mb
        held_mb += WARM_UP_MB * (1 - math.exp(-job / WARM_UP_JOBS))
        held_mb += luck.uniform(-_NOISE_MB, _NOISE_MB)
        made.append((checkpoint, held_mb + kind.ratchet * _KEPT_RATIO * largest_mb))
    return made


def largest_level_mb(readings: Iterable[Reading]) -> float:
    """Return what the largest checkpoint of a series holds once warm, without a leak."""
    return max(LEVELS_MB[name] for name, _ in readings) + WARM_UP_MB
