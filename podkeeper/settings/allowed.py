"""What may a setting be, in words a person understands and in JSON Schema?

Covers: one type at a time, from its bounds. Complaints, `config schema` and docs/settings.md all
say what this says.
Leaves out: what a setting is for (`settings.describe`).
"""

from __future__ import annotations

from typing import Any, get_args

from msgspec import inspect

from podkeeper import units
from podkeeper.settings.kinds import QUANTITY, WORDS
from podkeeper.settings.schema import extra_of

_QUANTITIES = {
    "size": units.SIZE_EXAMPLES,
    "span": units.SPAN_EXAMPLES,
    "ratio": units.RATIO_EXAMPLES,
    "amount": units.AMOUNT_EXAMPLES,
}
_PLAIN: dict[type, str] = {
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.StrType: "a text",
    inspect.BoolType: "true or false",
    inspect.DictType: "a table",
}
_JSON_TYPES: dict[type, str] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.BoolType: "boolean",
}


def _inner(kind: Any) -> Any:
    """Return what msgspec knows of a type, beneath our own marks."""
    info = inspect.type_info(kind)
    return info.type if isinstance(info, inspect.Metadata) else info


def _item(kind: Any) -> Any:
    """Return the type of a list's items."""
    return get_args(kind)[0]


def _choice(values: tuple[Any, ...]) -> str:
    return f"one of {', '.join(str(value) for value in sorted(values))}"


def _bounds(info: Any) -> str:
    """Return the bounds of a number, in its base unit."""
    least, above = getattr(info, "ge", None), getattr(info, "gt", None)
    most = getattr(info, "le", None)
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}" if most < 1e5 else f" from {least} to {most}"  # noqa: PLR2004 - where :g turns to exponents
    parts = [
        f"at least {least:g}" if least is not None else "",
        f"above {above:g}" if above is not None else "",
        f"at most {most:g}" if most is not None else "",
    ]
    return "".join(f", {part}" for part in parts if part)


def _quantity_bounds(quantity: str, info: Any) -> str:
    if quantity == "ratio":
        return ""  # its examples say it
    least_is_zero = getattr(info, "ge", None) == 0
    return "" if least_is_zero else _bounds(info)


def allowed(kind: Any) -> str:
    """Return what a setting of this type may be, to follow "must be"."""
    info, quantity = _inner(kind), extra_of(kind).get(QUANTITY)
    if quantity is not None:
        return _QUANTITIES[quantity] + _quantity_bounds(quantity, info)
    if isinstance(info, inspect.LiteralType):
        return _choice(info.values)
    if isinstance(info, inspect.ListType):
        return f"a list, each {allowed(_item(kind))}"
    described = getattr(info, "pattern", None) and extra_of(kind).get(WORDS)
    return str(described or _PLAIN[type(info)] + _bounds(info))


def _written(quantity: str) -> dict[str, Any]:
    """Return what a person may write for a quantity: a number of base units or a text."""
    pattern = {
        "size": units.SIZE_PATTERN,
        "span": units.SPAN_PATTERN,
        "ratio": rf"{units.SHARE_PATTERN}|^\s*[0-9]*\.?[0-9]+\s*$",
        "amount": units.AMOUNT_PATTERN,
    }[quantity]
    number = "integer" if quantity in {"size", "amount"} else "number"
    return {"anyOf": [{"type": number}, {"type": "string", "pattern": pattern}]}


def _limits(info: Any) -> dict[str, Any]:
    names = {
        "ge": "minimum",
        "gt": "exclusiveMinimum",
        "le": "maximum",
        "lt": "exclusiveMaximum",
        "pattern": "pattern",
    }
    found = {name: getattr(info, field, None) for field, name in names.items()}
    return {name: value for name, value in found.items() if value is not None}


def json_schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of what may be written in a settings file for this type."""
    info: Any = _inner(kind)
    quantity = extra_of(kind).get(QUANTITY)
    if quantity is not None:
        written = _written(quantity)
        written["anyOf"][0] |= {"minimum": 0} if quantity == "amount" else _limits(info)
        return written
    if isinstance(info, inspect.LiteralType):
        return {"enum": sorted(info.values)}
    if isinstance(info, inspect.ListType):
        return {"type": "array", "items": json_schema(_item(kind))}
    if isinstance(info, inspect.DictType):
        texts = isinstance(info.value_type, inspect.StrType)
        return {"type": "object", **({"additionalProperties": {"type": "string"}} if texts else {})}
    return {"type": _JSON_TYPES[type(info)], **_limits(info)}
