"""What is a raw value as the type its setting has, or what is wrong with it?

Covers: one leaf at a time, so that a complaint names path, value and origin.
Leaves out: rules between settings (`settings.rules`), the words for what is allowed
(`settings.allowed`).
"""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper import units
from podkeeper.errors import Complaint
from podkeeper.settings.allowed import allowed
from podkeeper.settings.kinds import QUANTITY
from podkeeper.settings.schema import extra_of, leaf_types, sections
from podkeeper.settings.shown import shown, sounds_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from podkeeper.settings.layers import Leaf

_PARSERS: dict[str, Callable[[Any], object]] = {
    "size": units.parse_size,
    "span": units.parse_span,
    "ratio": units.parse_ratio,
    "amount": units.parse_amount,
}
# What people write into environment variables, beside msgspec's own true, false, 1 and 0.
_TRUTHS = {"yes": True, "on": True, "no": False, "off": False}


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(name)
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _is_text(text: str) -> bool:
    """Return whether a text can be written out again: variables may hold any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _read(value: object, kind: Any) -> object:
    """Return what a text of the environment spells, where its setting is no text."""
    if not isinstance(value, str):
        return value
    base = getattr(kind, "__origin__", kind)
    if base is list:
        return [part.strip() for part in value.split(",") if part.strip()]
    if base is bool:
        return _TRUTHS.get(value.strip().lower(), value.strip())
    return value if base is str else value.strip()


def _typed(value: object, kind: Any) -> object:
    """Return the value in its type.

    Raises:
        ValueError: It is not of that type or out of its bounds. msgspec's own error is one.
    """
    quantity = extra_of(kind).get(QUANTITY)
    if quantity is not None:
        value = _PARSERS[quantity](value)
        if quantity == "amount":
            return value
    typed = msgspec.convert(_read(value, kind), kind, strict=not isinstance(value, str))
    if isinstance(typed, float) and not math.isfinite(typed):
        raise ValueError(value)
    return typed


def suggestion(path: str) -> str | None:
    """Return the known path that a mistyped one is closest to, if any is close."""
    known = list(leaf_types())
    key = path.rpartition(".")[2]
    same_key = [each for each in known if each.partition(".")[2] == key]
    close = difflib.get_close_matches(path, same_key or known, n=1, cutoff=0.6)
    if close or "." in path:
        return next(iter(close or same_key), None)
    keys = difflib.get_close_matches(key, [each.partition(".")[2] for each in known], n=1)
    return next((each for each in known if keys and each.endswith("." + keys[0])), None)


def _unknown(leaf: Leaf) -> Complaint:
    section = leaf.path.partition(".")[0]
    cause = "no such setting" if section in sections() else "no such section"
    close = suggestion(leaf.path)
    # A misspelt secret is still one, whatever its name has become.
    path = close if close and sounds_secret(close) else leaf.path
    return Complaint(leaf.path, shown(path, leaf.value, leaf.origin), leaf.origin, cause, close)


def convert(leaf: Leaf) -> tuple[object, Complaint | None]:
    """Return the leaf's typed value and None, or None and what is wrong with it."""
    kind = leaf_types().get(leaf.path)
    if kind is None:
        return None, _unknown(leaf)
    cause = "must be valid UTF-8"
    if all(_is_text(text) for text in _texts(leaf.value)):
        try:
            return _typed(leaf.value, kind), None
        except ValueError:  # the type's own words say more than the parser's
            cause = f"must be {allowed(kind)}"
    value = shown(leaf.path, leaf.value, leaf.origin)
    return None, Complaint(leaf.path, value, leaf.origin, cause)
