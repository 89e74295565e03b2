"""What can be set of the local RunPod platform, a stand-in?

Covers: the section `platform`. Leaves out: what it does (`podkeeper.sim.platform`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from podkeeper.settings.isolation import PlacedSection
from podkeeper.settings.kinds import WORDS, Count, Port, SizeAboveZero, Span, SpanAboveZero


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
