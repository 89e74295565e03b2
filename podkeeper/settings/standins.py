"""What can be set of the two stand-ins that ship?

Covers: the sections `platform` and `sim_webui`.
Leaves out: what the stand-ins do (`podkeeper.sim`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from podkeeper.settings.faults import SimFault
from podkeeper.settings.isolation import PlacedSection
from podkeeper.settings.kinds import (
    WORDS,
    Count,
    Port,
    Ratio,
    Section,
    Size,
    SizeAboveZero,
    Span,
    SpanAboveZero,
)


class PlatformSettings(PlacedSection, frozen=True):
    """The local RunPod platform, a stand-in."""

    enabled: Literal["auto", "yes", "no"]
    command: str
    address: str
    port: Port
    endpoint: Annotated[
        str, Meta(pattern="^[A-Za-z0-9-]+$", extra={WORDS: "letters, digits and hyphens"})
    ]
    hold_s: SpanAboveZero
    ttl_s: SpanAboveZero
    execution_timeout_s: SpanAboveZero
    result_keep_s: SpanAboveZero
    sync_result_keep_s: SpanAboveZero
    sync_wait_s: SpanAboveZero
    sync_wait_max_s: SpanAboveZero
    ping_loss_s: SpanAboveZero
    max_requeues: Annotated[int, Meta(ge=0)]
    forget_s: Span
    accept_late_results: bool
    text_errors_only: bool
    run_limit_bytes: SizeAboveZero
    runsync_limit_bytes: SizeAboveZero
    result_limit_bytes: SizeAboveZero
    sync_result_limit_bytes: SizeAboveZero
    stream_limit_bytes: SizeAboveZero
    webhook_tries: Count
    webhook_pause_s: Span
    webhook_timeout_s: SpanAboveZero
    state_file: str
    history_jobs: Count
    tick_s: SpanAboveZero
    faults: list[dict[str, Any]]
    stop_wait_s: SpanAboveZero


class SimWebUISettings(Section, frozen=True):
    """The simulated WebUI."""

    start_s: Span
    load_s: Span
    step_s: Span
    step_cpu_ratio: Ratio
    vram_bytes: Size
    checkpoint_ram_bytes: SizeAboveZero
    real_ram: bool
    leak_bytes: Size
    faults: list[SimFault]
    threads: Count
