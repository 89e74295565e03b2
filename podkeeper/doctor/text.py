"""How do checks look in a terminal?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from podkeeper.doctor.check import Check

_COLOURS = {"ok": "32", "warning": "33", "failed": "31"}
_LEVEL_CELLS = max(map(len, _COLOURS))


def _word(level: str, *, colour: bool) -> str:
    word = level.ljust(_LEVEL_CELLS)
    return f"\x1b[1;{_COLOURS[level]}m{word}\x1b[0m" if colour else word


def _lines(check: Check, width: int, *, colour: bool) -> Iterator[str]:
    yield f"{_word(check.level, colour=colour)}  {check.name.ljust(width)}  {check.seen}"
    if check.level != "ok":
        indent = " " * (_LEVEL_CELLS + 2 + width + 2)
        yield f"{indent}why:  {check.why}"
        yield f"{indent}mend: {check.mend}"


def examination(level: str, checks: Sequence[Check], *, colour: bool) -> str:
    """Return all checks, one line each, with reason and remedy where something is to be done."""
    width = max((len(each.name) for each in checks), default=0)
    wanting = sum(each.level != "ok" for each in checks)
    lines = [line for each in checks for line in _lines(each, width, colour=colour)]
    return "\n".join([*lines, f"{level}: {len(checks)} checks, {wanting} to be mended"])
