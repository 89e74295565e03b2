"""How is growth from job to job judged, by settings?

Covers: `[leak]`, and what its settings owe each other.
Leaves out: the judging (`podkeeper.policy.leak`), whose rules these are, name by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from podkeeper.settings.kinds import Count, Section, SizeAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings


class LeakSettings(Section, frozen=True):
    """When memory that a program keeps after its jobs is a leak."""

    skip_jobs: Annotated[int, Meta(ge=0)]
    block_jobs: Count
    slow_factor: Annotated[int, Meta(ge=2)]
    # Of fewer points no growth is ever sure; the time they take grows with their square.
    blocks: Annotated[int, Meta(ge=5, le=100)]
    least_blocks: Annotated[int, Meta(ge=5)]
    slope_bytes: SizeAboveZero
    growth_bytes: SizeAboveZero
    evaluations: Count
    recycle_jobs: Count
    sen_z: Annotated[float, Meta(gt=0)]


def memories(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what could never be reached because less is remembered, as `settings.rules` does."""
    leak, forecast = settings.leak, settings.forecast
    if leak.least_blocks > leak.blocks:
        yield "leak.least_blocks", leak.least_blocks, f"must not exceed leak.blocks ({leak.blocks})"
    if forecast.least_points > forecast.points:
        allowed = f"must not exceed forecast.points ({forecast.points})"
        yield "forecast.least_points", forecast.least_points, allowed
