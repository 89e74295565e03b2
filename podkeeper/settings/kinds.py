"""Of which kinds are the values of settings?

Covers: types with bounds and units that several settings share, and what a section is.
Leaves out: which settings there are (`settings.schema`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from podkeeper.units import Amount

#: How a text becomes the value of a field; `settings.convert` knows each by name.
QUANTITY = "quantity"
#: Marks a field whose value is never shown, logged or written into the plan.
SECRET = "secret"  # noqa: S105 - the mark's name

#: Says what a field's pattern means, to follow "must be".
WORDS = "words"

Size = Annotated[int, Meta(ge=0, extra={QUANTITY: "size"})]
SizeAboveZero = Annotated[int, Meta(gt=0, extra={QUANTITY: "size"})]
Span = Annotated[float, Meta(ge=0, extra={QUANTITY: "span"})]
SpanAboveZero = Annotated[float, Meta(gt=0, extra={QUANTITY: "span"})]
Ratio = Annotated[float, Meta(ge=0, le=1, extra={QUANTITY: "ratio"})]
RatioAboveZero = Annotated[float, Meta(gt=0, le=1, extra={QUANTITY: "ratio"})]
MemoryAmount = Annotated[Amount, Meta(extra={QUANTITY: "amount"})]
Folder = Annotated[str, Meta(pattern="^(?!~)", extra={WORDS: "a path without ~"})]
Port = Annotated[int, Meta(ge=1, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Names = list[str]
Environment = dict[str, str]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the settings file."""
