"""Which jobs come?

How many images a job asks for, how many name a LoRA and how many start from a picture are the
shares of a public trace of a Stable Diffusion service (GenTD26: 10,264 requests). Families, sizes,
hires passes and ControlNets are not in it and are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from podkeeper.policy.vram_cost import Size, Workload

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

T = TypeVar("T")
STEPS = 30
#: Images asked for, by their share of the trace.
_IMAGES = ((1, 0.60), (2, 0.07), (4, 0.20), (8, 0.13))
_LORA, _IMG2IMG = 0.15, 0.09
#: Assumed: how many ask for their images one after the other instead of in one batch.
_ONE_BY_ONE = 0.25
_FAMILIES = (("sd15", 0.45), ("sd21", 0.10), ("sdxl", 0.45))
_SIZES: dict[str, tuple[tuple[Size, float], ...]] = {
    "sd15": (
        *(((512, 512), 0.4), ((512, 768), 0.25), ((768, 512), 0.1), ((640, 960), 0.1)),
        *(((768, 768), 0.08), ((1024, 1024), 0.04), ((1536, 1536), 0.02), ((2048, 2048), 0.01)),
    ),
    "sd21": (((768, 768), 0.6), ((512, 512), 0.25), ((768, 1024), 0.15)),
    "sdxl": (
        *(((1024, 1024), 0.45), ((832, 1216), 0.2), ((1216, 832), 0.15), ((1344, 768), 0.08)),
        *(((768, 1344), 0.05), ((768, 768), 0.03), ((1536, 1536), 0.03), ((2048, 2048), 0.01)),
    ),
}
_HIRES = 0.15
_HIRES_SCALES = {"sd15": (1.5, 2.0), "sd21": (1.5, 2.0), "sdxl": (1.5, 2.0)}
_HIRES_ENCODES = 0.5
_CONTROLNETS = {"sd15": ((0, 0.85), (1, 0.12), (2, 0.03)), "sdxl": ((0, 0.95), (1, 0.05))}
#: Share of jobs that ask for whatever they like, more than the card is meant for.
UNLIMITED = 0.02


@dataclass(frozen=True)
class Job:
    """One job of the stream; the batch is that of its workload."""

    family: str
    work: Workload
    iterations: int

    @property
    def images(self) -> int:
        """Return how many images it asks for."""
        return self.work.batch * self.iterations


def _one_of(luck: random.Random, shares: tuple[tuple[T, float], ...]) -> T:
    return luck.choices([each for each, _ in shares], [share for _, share in shares])[0]


def _drawn(luck: random.Random) -> Job:
    family = _one_of(luck, _FAMILIES)
    width, height = _one_of(luck, _SIZES[family])
    images = _one_of(luck, _IMAGES)
    work = Workload(
        width,
        height,
        batch=1 if luck.random() < _ONE_BY_ONE else images,
        encodes=luck.random() < _IMG2IMG,
        loras=luck.random() < _LORA,
        controlnets=_one_of(luck, _CONTROLNETS.get(family, ((0, 1.0),))),
    )
    if not work.encodes and luck.random() < _HIRES:
        scale = luck.choice(_HIRES_SCALES[family])
        size = int(width * scale) // 8 * 8, int(height * scale) // 8 * 8
        work = replace(work, hires=size, hires_encodes=luck.random() < _HIRES_ENCODES)
    return Job(family, work, images // work.batch)


def jobs(
    luck: random.Random, count: int, allowed: Callable[[Job], bool], unlimited: float
) -> Iterator[Job]:
    """Yield the jobs of a stream; all but the share `unlimited` are `allowed` on their card."""
    while count:
        job = _drawn(luck)
        if luck.random() < unlimited or allowed(job):
            count -= 1
            yield job
