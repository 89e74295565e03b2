"""What can be set for podkeeper's extension of the WebUI, and for asking it?

Covers: whether it is installed, what it does by itself, its bounds, and how often podkeeper asks
how the WebUI's memory is.
Leaves out: installing it (`podkeeper.extension`), the extension itself (`hooks/webui_extension`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.settings.kinds import Count, Section, SpanAboveZero

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.schema import Settings


class ExtensionSettings(Section, frozen=True):
    """podkeeper's extension inside A1111 and Forge."""

    install: bool
    sample_period_s: SpanAboveZero
    baseline_s: SpanAboveZero
    tidy: bool
    read_timeout_s: SpanAboveZero
    lock_wait_max_s: SpanAboveZero
    profile_max_s: SpanAboveZero
    profile_sites: Count
    probe_period_s: SpanAboveZero
    probe_timeout_s: SpanAboveZero
    stacks_timeout_s: SpanAboveZero
    reclaim_wait_s: SpanAboveZero
    reclaim_timeout_s: SpanAboveZero


#: What the extension itself is told when it is installed, and reads as the WebUI starts.
_TOLD = (
    "sample_period_s",
    "baseline_s",
    "tidy",
    "read_timeout_s",
    "lock_wait_max_s",
    "reclaim_timeout_s",
    "profile_max_s",
    "profile_sites",
)


def told(settings: ExtensionSettings) -> dict[str, object]:
    """Return the settings that the extension in a WebUI reads."""
    return {name: getattr(settings, name) for name in _TOLD}


def extension_times(settings: Settings) -> Iterator[tuple[str, object, str]]:
    """Yield what is wrong with the extension's times, as `settings.rules` does."""
    own = settings.extension
    if own.reclaim_wait_s > own.lock_wait_max_s:
        allowed = f"must not exceed extension.lock_wait_max_s ({own.lock_wait_max_s:g})"
        yield "extension.reclaim_wait_s", own.reclaim_wait_s, allowed
    if own.reclaim_timeout_s <= own.reclaim_wait_s:
        allowed = f"must be above extension.reclaim_wait_s ({own.reclaim_wait_s:g})"
        yield "extension.reclaim_timeout_s", own.reclaim_timeout_s, allowed
    if own.probe_timeout_s <= own.read_timeout_s:
        allowed = f"must be above extension.read_timeout_s ({own.read_timeout_s:g})"
        yield "extension.probe_timeout_s", own.probe_timeout_s, allowed
    if own.stacks_timeout_s > settings.keeper.dump_wait_s:
        allowed = f"must not exceed keeper.dump_wait_s ({settings.keeper.dump_wait_s:g})"
        yield "extension.stacks_timeout_s", own.stacks_timeout_s, allowed
