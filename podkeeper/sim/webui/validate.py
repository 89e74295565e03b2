"""What did the client ask for, once the body is read and every field has its kind?

Says no as FastAPI 0.94 with pydantic v1 does: 422 and a list of all that is wrong.
"""

from __future__ import annotations

import copy
import json
import operator
from typing import TYPE_CHECKING, Any

from podkeeper.sim.webui.convert import KINDS, RefusedError, to_bool, to_dict
from podkeeper.sim.webui.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from podkeeper.sim.webui.fields import Field

_BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "ge": (operator.ge, "greater than or equal to"),
    "gt": (operator.gt, "greater than"),
    "le": (operator.le, "less than or equal to"),
}


def _problem(where: tuple[object, ...], text: str, kind: str, **ctx: object) -> dict[str, object]:
    problem: dict[str, object] = {"loc": list(where), "msg": text, "type": kind}
    return {**problem, "ctx": ctx} if ctx else problem


def _no_json(error: json.JSONDecodeError) -> InvalidRequestError:
    ctx = {key: getattr(error, key) for key in ("msg", "doc", "pos", "lineno", "colno")}
    return InvalidRequestError(
        [_problem(("body", error.pos), str(error), "value_error.jsondecode", **ctx)]
    )


def _is_json(content_type: str | None) -> bool:
    """Return whether a body of this type is read as JSON; FastAPI reads one of no type as JSON."""
    if not content_type:
        return True
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (
        media.startswith("application/") and media.endswith("+json")
    )


def read_table(body: bytes, content_type: str | None) -> dict[str, Any]:
    """Return the JSON table in a request's body.

    Raises:
        InvalidRequestError: There is none.
    """
    if not body:
        raise InvalidRequestError([_problem(("body",), "field required", "value_error.missing")])
    try:
        value = json.loads(body) if _is_json(content_type) else body
        return to_dict(value)
    except json.JSONDecodeError as error:
        raise _no_json(error) from None
    except UnicodeDecodeError as error:
        raise InvalidRequestError(
            [_problem(("body",), str(error), "value_error.unicodedecode")]
        ) from None
    except RefusedError as error:
        raise InvalidRequestError([_problem(("body",), error.text, error.kind)]) from None


def _out_of_bounds(field: Field, value: Any) -> Iterator[dict[str, object]]:
    where = ("body", field.name)
    for name, limit in field.bounds:
        holds, words = _BOUNDS[name]
        if not holds(value, limit):
            text = f"ensure this value is {words} {limit:g}"
            yield _problem(where, text, f"value_error.number.not_{name}", limit_value=limit)
    if field.only and value not in field.only:
        permitted = ", ".join(str(each) for each in field.only)
        text = f"unexpected value; permitted: {permitted}"
        yield _problem(where, text, "value_error.const", given=value, permitted=list(field.only))


def _field(field: Field, table: dict[str, Any]) -> tuple[object, list[dict[str, object]]]:
    """Return the field's value and what is wrong with it."""
    if field.name not in table:
        missing = _problem(("body", field.name), "field required", "value_error.missing")
        return copy.copy(field.default), [missing] if field.required else []
    if table[field.name] is None and not field.required:
        return None, []
    try:
        value = KINDS[field.kind](table[field.name])
    except RefusedError as error:
        return None, [_problem(("body", field.name, *error.at), error.text, error.kind)]
    return value, list(_out_of_bounds(field, value))


def fill(fields: Iterable[Field], table: dict[str, Any]) -> dict[str, Any]:
    """Return all fields with their values; unknown ones are dropped in silence, as the real does.

    Raises:
        InvalidRequestError: Some are missing or do not fit.
    """
    filled, problems = {}, []
    for field in fields:
        filled[field.name], wrong = _field(field, table)
        problems += wrong
    if problems:
        raise InvalidRequestError(problems)
    return filled


def query_flag(name: str, text: str | None) -> bool:
    """Return a truth value of the query string, False where it is absent.

    Raises:
        InvalidRequestError: It spells none.
    """
    try:
        return False if text is None else to_bool(text)
    except RefusedError as error:
        raise InvalidRequestError([_problem(("query", name), error.text, error.kind)]) from None
