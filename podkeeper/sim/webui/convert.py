"""What does pydantic v1 make of one JSON value, or how does it refuse it?

Covers: the coercions ("7" is 7, 1.5 is 1) and the refusals, word for word.
Leaves out: which field has which kind (`fields`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TRUE = {True, "1", "on", "t", "true", "y", "yes"}
_FALSE = {False, "0", "off", "f", "false", "n", "no"}


class RefusedError(ValueError):
    """One value does not fit its kind."""

    def __init__(self, text: str, kind: str, at: tuple[int, ...] = ()) -> None:
        super().__init__(text)
        self.text = text
        self.kind = kind
        self.at = at


def to_int(value: object) -> int:
    """Return a whole number; fractions are cut off.

    Raises:
        RefusedError: It is none.
    """
    if isinstance(value, int | float | str):
        try:
            return int(value)
        except (ValueError, OverflowError):
            pass
    raise RefusedError("value is not a valid integer", "type_error.integer")


def to_float(value: object) -> float:
    """Return a number.

    Raises:
        RefusedError: It is none.
    """
    if isinstance(value, int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise RefusedError("value is not a valid float", "type_error.float")


def to_bool(value: object) -> bool:
    """Return a truth value, which a few words and numbers spell too.

    Raises:
        RefusedError: It spells none.
    """
    said = value.lower() if isinstance(value, str) else value
    if isinstance(said, bool | int | float | str):
        if said in _TRUE:
            return True
        if said in _FALSE:
            return False
    raise RefusedError("value could not be parsed to a boolean", "type_error.bool")


def to_str(value: object) -> str:
    """Return a text; numbers are written out.

    Raises:
        RefusedError: It is a list, a table or nothing.
    """
    if isinstance(value, str | int | float):
        return str(value)
    raise RefusedError("str type expected", "type_error.str")


def to_dict(value: object) -> dict[str, object]:
    """Return a table.

    Raises:
        RefusedError: It is none.
    """
    if isinstance(value, dict):
        return value
    raise RefusedError("value is not a valid dict", "type_error.dict")


def to_list(value: object) -> list[object]:
    """Return a list of anything.

    Raises:
        RefusedError: It is none.
    """
    if isinstance(value, list):
        return value
    raise RefusedError("value is not a valid list", "type_error.list")


def to_texts(value: object) -> list[object]:
    """Return a list of texts.

    Raises:
        RefusedError: It is none, or an item is no text; `at` says which.
    """
    texts: list[object] = []
    for index, item in enumerate(to_list(value)):
        try:
            texts.append(to_str(item))
        except RefusedError as error:
            raise RefusedError(error.text, error.kind, (index,)) from None
    return texts


KINDS: dict[str, Callable[[object], object]] = {
    "int": to_int,
    "float": to_float,
    "bool": to_bool,
    "str": to_str,
    "dict": to_dict,
    "list": to_list,
    "texts": to_texts,
    "any": lambda value: value,
}
