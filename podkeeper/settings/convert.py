"""What is a raw value as the type its setting has, or what is wrong with it?

Covers: one leaf at a time, so that a complaint names path, value and origin.
Leaves out: rules between settings (`settings.rules`).
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper import units
from podkeeper.errors import Complaint
from podkeeper.settings.schema import QUANTITY, SECRET, extra_of, leaf_types, sections

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.settings.layers import Leaf

_PARSERS: dict[str, Callable[[Any], object]] = {
    "size": units.parse_size,
    "span": units.parse_span,
    "ratio": units.parse_ratio,
    "amount": units.parse_amount,
}


def _reason(error: msgspec.ValidationError) -> str:
    text = str(error).split(" - at `$")[0]
    return text[:1].lower() + text[1:]


def _typed(value: object, kind: Any) -> object:
    """Return the value in its type. Texts of the environment count as what they spell."""
    quantity = extra_of(kind).get(QUANTITY)
    if quantity is not None:
        value = _PARSERS[quantity](value)
        if quantity == "amount":
            return value
    if isinstance(value, str) and getattr(kind, "__origin__", None) is list:
        value = [part.strip() for part in value.split(",") if part.strip()]
    return msgspec.convert(value, kind, strict=not isinstance(value, str))


def unknown(path: str) -> str | None:
    """Return the known path that a mistyped one is closest to, if any is close."""
    close = difflib.get_close_matches(path, leaf_types(), n=1, cutoff=0.6)
    return close[0] if close else None


def _complain(leaf: Leaf, allowed: str, suggestion: str | None = None) -> Complaint:
    kind = leaf_types().get(leaf.path)
    shown = "(secret)" if kind is not None and extra_of(kind).get(SECRET) else leaf.value
    return Complaint(leaf.path, shown, leaf.origin, allowed, suggestion)


def convert(leaf: Leaf) -> tuple[object, Complaint | None]:
    """Return the leaf's typed value and None, or None and what is wrong with it."""
    kind = leaf_types().get(leaf.path)
    if kind is None:
        section = leaf.path.partition(".")[0]
        known = "no such setting" if section in sections() else "no such section"
        return None, _complain(leaf, known, unknown(leaf.path))
    try:
        return _typed(leaf.value, kind), None
    except msgspec.ValidationError as error:
        return None, _complain(leaf, _reason(error))
    except ValueError as error:
        return None, _complain(leaf, f"must be {error}")
