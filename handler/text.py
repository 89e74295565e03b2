"""How is a foreign value shown in a line that a person reads?

Covers: shortening and escaping, so that whatever a client or a WebUI sends, one printable line of
bounded length that can be sent as JSON comes out. Pure.
"""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = 1500
_VALUE = 60
_INTEGER_BITS = 128
_CUTOFF = 0.6


def one_line(text: str, limit: int = _LINE) -> str:
    """Return text on one line of at most `limit` characters, free of what JSON cannot carry."""
    sound = text[: limit + 1].encode("utf-8", "backslashreplace").decode()
    line = "".join(each if each.isprintable() else " " for each in sound)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _scalar(value: object) -> str:
    if isinstance(value, str):
        cut = value[:_VALUE]
        rest = f"… ({len(value)} characters)" if len(value) > _VALUE else ""
        return json.dumps(cut) + rest
    if isinstance(value, int) and value.bit_length() > _INTEGER_BITS:
        return f"a number of {value.bit_length()} bits"
    return json.dumps(value)


def shown(value: object) -> str:
    """Return a JSON value in short: texts are cut, lists and objects only counted."""
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "[]"
    if isinstance(value, dict):
        return f"an object of {len(value)}" if value else "{}"
    return _scalar(value)


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name a mistyped one is closest to, if any is close."""
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name[:200].casefold(), by_folded, n=1, cutoff=_CUTOFF)
    return by_folded[close[0]] if close else None


def listed(names: Iterable[str], most: int = 40) -> str:
    """Return names as a list within a sentence, cut after `most`."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return ", ".join(known[:most]) + more if known else "none"
