"""What can be set for the journal of jobs and the delivery of results?

Covers: names, types and bounds of [journal], and its rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from podkeeper.settings.kinds import Count, Ratio, Section, SizeAboveZero, Span, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings

#: After this time the SDK gives up a poll.
_SDK_POLL_S = 90.0


class JournalSettings(Section, frozen=True):
    """What is kept of jobs, and how results are delivered."""

    max_bytes: SizeAboveZero
    answered_max_bytes: SizeAboveZero
    answered_keep_s: Span
    history_jobs: Count
    busy_timeout_s: SpanAboveZero
    beat_s: SpanAboveZero
    take_up_s: Span
    result_keep_s: SpanAboveZero
    hold_s: SpanAboveZero
    leave_s: Span
    deliveries: Count
    delivery_timeout_s: SpanAboveZero
    backoff_first_s: SpanAboveZero
    backoff_factor: Annotated[float, Meta(ge=1)]
    backoff_max_s: SpanAboveZero
    jitter_ratio: Ratio
    poll_s: SpanAboveZero
    poll_pause_s: Span
    poll_backoff_max_s: SpanAboveZero


def journal(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Give each time of the journal that does not go with another."""
    chosen, handler = settings.journal, settings.handler
    if chosen.backoff_first_s > chosen.backoff_max_s:
        allowed = f"must not exceed journal.backoff_max_s ({chosen.backoff_max_s:g})"
        yield "journal.backoff_first_s", chosen.backoff_first_s, allowed
    if chosen.poll_s + chosen.poll_backoff_max_s >= _SDK_POLL_S:
        allowed = f"with journal.poll_backoff_max_s must stay below the SDK's {_SDK_POLL_S:g}"
        yield "journal.poll_s", chosen.poll_s, allowed
    if chosen.leave_s >= handler.stop_wait_s:
        allowed = f"must be below handler.stop_wait_s ({handler.stop_wait_s:g})"
        yield "journal.leave_s", chosen.leave_s, allowed
    if chosen.take_up_s and chosen.take_up_s <= chosen.beat_s:
        allowed = f"must be 0 or above journal.beat_s ({chosen.beat_s:g})"
        yield "journal.take_up_s", chosen.take_up_s, allowed
