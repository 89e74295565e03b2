"""How is memory shared out and judged, and which lines hold for everything else that can run out?

Covers: the sections `memory` and `thresholds` and their rules.
Leaves out: the limits of single programs, which stand in their own sections (`settings.schema`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from podkeeper.settings.kinds import Count, MemoryAmount, Ratio, Section, Span, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

#: Each soft line and the hard one below it.
_PAIRS = (
    ("thresholds.memory_soft", "thresholds.memory_hard"),
    ("thresholds.vram_soft", "thresholds.vram_hard"),
    ("thresholds.disk_soft", "thresholds.disk_hard"),
    ("thresholds.inodes_soft", "thresholds.inodes_hard"),
    ("thresholds.open_files_soft", "thresholds.open_files_hard"),
)


class MemorySettings(Section, frozen=True):
    """How memory is shared out and judged."""

    reserve: MemoryAmount
    soft_grace_s: Span
    release_ratio: Ratio
    cooldown_s: Span
    critical_factor: Annotated[float, Meta(ge=1)]
    webui_floor: MemoryAmount
    handler_floor: MemoryAmount
    watchdog_floor: MemoryAmount
    platform_floor: MemoryAmount
    reclaim_wait_s: SpanAboveZero
    drain_wait_s: SpanAboveZero
    reclaims: Count
    foresight_s: Span


class ThresholdSettings(Section, frozen=True):
    """What must be left of everything else that can run out."""

    memory_soft: Ratio
    memory_hard: Ratio
    memory_critical: Ratio
    vram_soft: Ratio
    vram_hard: Ratio
    disk_soft: Ratio
    disk_hard: Ratio
    disk_most: MemoryAmount
    inodes_soft: Ratio
    inodes_hard: Ratio
    open_files_soft: Ratio
    open_files_hard: Ratio
    cpu_soft: Ratio
    cpu_grace_s: Span
    grace_s: Span
    release_factor: Annotated[float, Meta(ge=1)]


def lines_out_of_order(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Give each line that stands above the one it must be below."""
    chosen = settings.thresholds
    for soft, hard in _PAIRS:
        soft_ratio = getattr(chosen, soft.partition(".")[2])
        hard_ratio = getattr(chosen, hard.partition(".")[2])
        if soft_ratio <= hard_ratio:
            yield hard, hard_ratio, f"must be below {soft} ({soft_ratio:g}): it is what is left"
    if chosen.memory_critical > chosen.memory_hard:
        allowed = f"must not exceed thresholds.memory_hard ({chosen.memory_hard:g})"
        yield "thresholds.memory_critical", chosen.memory_critical, allowed
