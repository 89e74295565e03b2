"""What does a program hold at least, checkpoint by checkpoint?

Covers: floors, each the least that was held after the jobs of one checkpoint within one block of
jobs, so that what a cache held for a few jobs falls away; and the level of each checkpoint.
Leaves out: what follows from how they move (`policy.leak`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podkeeper.policy.trend import median

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.policy.trend import Point

#: Points (block, bytes) by checkpoint.
Strata = dict[str, list["Point"]]


@dataclass(frozen=True)
class Floor:
    """The least that was held after the jobs of one checkpoint within one block."""

    block: int
    checkpoint: str
    held_bytes: int


#: Oldest block first.
Floors = tuple[Floor, ...]


def lowered(floors: Floors, new: Floor, blocks: int) -> Floors:
    """Return the floors of the newest blocks after one more reading."""
    same = next((f for f in floors if (f.block, f.checkpoint) == (new.block, new.checkpoint)), None)
    if same is not None and same.held_bytes <= new.held_bytes:
        return floors
    return (*(f for f in floors if f is not same and f.block > new.block - blocks), new)


def span(floors: Floors) -> int:
    """Return how many blocks there are from the first to the last floor."""
    return floors[-1].block - floors[0].block + 1 if floors else 0


def strata(floors: Floors) -> Strata:
    """Return the floors of each checkpoint."""
    found: Strata = {}
    for floor in floors:
        found.setdefault(floor.checkpoint, []).append((floor.block, floor.held_bytes))
    return found


def levels(points: Mapping[str, list[Point]], slope: float) -> dict[str, float]:
    """Return what each checkpoint would have held at block 0, if all grew by that in a block."""
    return {name: median(sorted(y - slope * x for x, y in own)) for name, own in points.items()}


def above_level(floors: Floors, slope: float) -> list[Point]:
    """Return, for each block, the least that was held above the level of its checkpoint.

    A checkpoint with a single floor has no level to compare it with.
    """
    points, least = strata(floors), dict[float, float]()
    for name, level in levels(points, slope).items():
        for block, held in points[name] if len(points[name]) > 1 else ():
            least[block] = min(least.get(block, held - level), held - level)
    return list(least.items())


def highest(floors: Floors, slope: float) -> float:
    """Return what is held at the end of the newest block by the checkpoint that holds most."""
    return max(levels(strata(floors), slope).values()) + slope * (floors[-1].block + 1)
