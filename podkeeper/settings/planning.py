"""What can be set for fitting jobs to the card?

Covers: names, types and bounds of [planning], and its rules.
Leaves out: the constants of the estimate (`conf/vram.toml`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from podkeeper.settings.kinds import MemoryAmount, Names, Ratio, Section, Span, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings


class PlanningSettings(Section, frozen=True):
    """How jobs are fitted to the card's memory."""

    enabled: bool
    family: Literal["sd15", "sd21", "sdxl"]
    reserve: MemoryAmount
    degrade: bool
    restart: bool
    reading_age_s: Span
    reclaim_wait_s: SpanAboveZero
    reload_wait_s: SpanAboveZero
    restart_wait_s: SpanAboveZero
    calibration_ratio: Ratio
    splittable_scripts: Names


def planning(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what is wrong with fitting jobs, as `settings.rules` does."""
    own = settings.planning
    if own.reserve.ratio == 1:
        yield "planning.reserve", str(own.reserve), "must leave some memory to plan with"
