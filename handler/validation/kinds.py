"""Is one value of the type and within the bounds of its field?

Covers: the kinds of fields there are, the check of one value, and the sentence saying what is
allowed. Pure.
Leaves out: which field is of which kind (`validation.fields`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from handler.errors import Complaint


@dataclass(frozen=True)
class Kind:
    """A field's type with its bounds."""

    type: Any
    low: float | None = None
    high: float | None = None
    multiple_of: int | None = None
    choices: tuple[object, ...] = ()
    #: Longest text in bytes of UTF-8, or most entries of a list.
    longest: int | None = None
    #: Why there is such a bound, where that is not plain.
    reason: str = ""

    def allowed(self) -> str:
        """Return the sentence that says what is allowed."""
        because = f" ({self.reason})" if self.reason else ""
        return f"must be {self._noun()}{self._bounds()}{because}"

    def _noun(self) -> str:
        if self.choices:
            return "one of " + ", ".join(
                msgspec.json.encode(each).decode() for each in self.choices
            )
        names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
        return names.get(self.type, "a list of texts" if self.type == list[str] else "an object")

    def _bounds(self) -> str:
        parts = []
        if self.low is not None and self.high is not None:
            parts.append(f" from {_figure(self.low)} to {_figure(self.high)}")
        if self.multiple_of is not None:
            parts.append(f" and a multiple of {self.multiple_of}")
        if self.longest is not None:
            unit = "bytes" if self.type is str else "entries"
            parts.append(f" of at most {self.longest} {unit}")
        return "".join(parts)

    def convert(self, value: object) -> Any:
        """Return the value in its type.

        Raises:
            ValueError: It is not of this kind.
        """
        # msgspec.ValidationError is a ValueError, too.
        typed = msgspec.convert(value, self._annotated())
        if isinstance(typed, float) and not math.isfinite(typed):
            raise ValueError("not finite")
        if self.choices and typed not in self.choices:
            raise ValueError("not a choice")
        if self.longest is not None and _length(typed) > self.longest:
            raise ValueError("too long")
        if isinstance(typed, str):
            typed.encode()  # a lone surrogate would keep the result from ever being posted
        return typed

    def _annotated(self) -> Any:
        meta = msgspec.Meta(ge=self.low, le=self.high, multiple_of=self.multiple_of)
        return Annotated[self.type, meta]


def _figure(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _length(value: Any) -> int:
    return len(value.encode()) if isinstance(value, str) else len(value)


def check(field: str, value: object, kind: Kind) -> tuple[Any, Complaint | None]:
    """Return the typed value and None, or None and what is wrong with it."""
    try:
        return kind.convert(value), None
    except (ValueError, OverflowError):
        return None, Complaint(field, value, kind.allowed())
