"""Into which requests is a job of many images cut, and with which seeds does each run?

A1111 gives image i of a job the seed + i (or the one seed, where subseeds vary instead) and the
subseed + i, and each image its own generator: cut anywhere, the images stay the same.

Covers: portions of a job, and a portion's seeds.
Leaves out: jobs that may not be cut (`handler.portions`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Portion:
    """Images of a job that one request makes."""

    #: Images of the job before it.
    first: int
    #: Images at once.
    batch: int
    iterations: int

    @property
    def count(self) -> int:
        """Return how many images it makes."""
        return self.batch * self.iterations


@dataclass(frozen=True)
class Seeds:
    """The seeds of a request; its images count up from them."""

    seed: int
    subseed: int
    subseed_strength: float = 0.0


def next_portion(done: int, total: int, batch: int) -> Portion:
    """Return the next portion of a job of which `done` images are made.

    It takes as few iterations as a largest batch allows, evenly filled, and as many of the images
    that are left as make whole batches. `done` must be below `total`.
    """
    left = total - done
    iterations = -(-left // batch)
    even = -(-left // iterations)
    return Portion(done, even, left // even)


def portions(total: int, batch: int) -> list[Portion]:
    """Return all portions of a job."""
    found: list[Portion] = []
    while (done := sum(each.count for each in found)) < total:
        found.append(next_portion(done, total, batch))
    return found


def seeds_of(portion: Portion, asked: Seeds) -> Seeds:
    """Return the seeds with which a portion makes the images it would be in the whole job."""
    varied = asked.subseed_strength != 0
    return Seeds(
        asked.seed if varied else asked.seed + portion.first,
        asked.subseed + portion.first,
        asked.subseed_strength,
    )


def each_image(seeds: Seeds, count: int) -> list[tuple[int, int]]:
    """Return seed and subseed of each image of a request, as A1111 counts them up."""
    varied = seeds.subseed_strength != 0
    return [
        (seeds.seed if varied else seeds.seed + index, seeds.subseed + index)
        for index in range(count)
    ]
