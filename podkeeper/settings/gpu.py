"""What can be set of the GPUs, and which of it contradicts itself?

Covers: how they are watched, and when something is wrong with one or with its memory.
Leaves out: the pace of the readings, which is the watchdog's (`settings.schema`); what a code of
the driver's means where nothing is set (`podkeeper.policy.xid`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from podkeeper.settings.kinds import Count, Section, Size, Span, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

#: What is done about a finding; each is a word of `podkeeper.policy.gpu_finding.Answer`.
Answer = Literal["note", "restart_program", "replace_worker"]
Code = Annotated[int, Meta(ge=1)]
_LISTS = ("xid_ignore", "xid_note", "xid_restart", "xid_replace")


class GpuSettings(Section, frozen=True):
    """The GPUs."""

    health_period_s: SpanAboveZero
    event_wait_s: SpanAboveZero
    xids_kept: Count
    xid_ignore: list[Code]
    xid_note: list[Code]
    xid_restart: list[Code]
    xid_replace: list[Code]
    xid_settle_s: Span
    xid_repeats: Count
    xid_repeat_window_s: SpanAboveZero
    lost_grace_s: Span
    slowdown_celsius: Annotated[float, Meta(gt=0)]
    hot_margin_celsius: Annotated[float, Meta(ge=0)]
    hot_release_celsius: Annotated[float, Meta(ge=0)]
    hot_grace_s: Span
    power_brake_grace_s: Span
    ecc_answer: Answer
    remap_failure_answer: Answer
    vram_baseline_bytes: Size
    vram_idle_bytes: Size
    vram_slack_bytes: Size
    vram_wait_s: Span
    vram_orphan_answer: Literal["note", "replace_worker"]
    vram_retry_jobs: Annotated[int, Meta(ge=2)]
    vram_retries_per_job: Annotated[float, Meta(gt=0)]


def gpus(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what contradicts itself, as `settings.rules` does."""
    chosen = settings.gpu
    if chosen.hot_release_celsius < chosen.hot_margin_celsius:
        allowed = f"must not be below gpu.hot_margin_celsius ({chosen.hot_margin_celsius:g})"
        yield "gpu.hot_release_celsius", chosen.hot_release_celsius, allowed
    seen: dict[int, str] = {}
    for name in _LISTS:
        for code in sorted(set(getattr(chosen, name))):
            if code in seen:
                yield f"gpu.{name}", code, f"stands in gpu.{seen[code]} already"
            seen[code] = name
