"""From how much of the past is the end of headroom foretold, by settings?

Covers: `[forecast]`.
Leaves out: foretelling (`podkeeper.policy.forecast`), whose rules these are, name by name.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from podkeeper.settings.kinds import Section, SpanAboveZero


class ForecastSettings(Section, frozen=True):
    """How the time until a signal has no headroom left is foretold."""

    step_s: SpanAboveZero
    # Of fewer points no growth is ever sure; the time they take grows with their square.
    points: Annotated[int, Meta(ge=5, le=100)]
    least_points: Annotated[int, Meta(ge=5)]
    horizon_s: SpanAboveZero
    sen_z: Annotated[float, Meta(gt=0)]
