"""How do the journal's jobs look in a terminal?

Covers: a list, one job, and its input without what must not be seen: images and keys never are,
texts only where they are asked for. Pure.
Leaves out: reading the journal (`podkeeper.recorders.journal_reader`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from podkeeper.console.text import instant, table
from podkeeper.units import format_size, format_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.model.journal import Entry
    from podkeeper.model.moment import Moment

_HEAD = ["JOB", "STATE", "AGE", "ATTEMPTS", "DEATHS", "TRIES", "RESULT", "NOTE"]
_UNKNOWN = "-"
_KEY = re.compile(r"key|secret|token|passw|credential|auth|signature", re.IGNORECASE)
_IMAGE = re.compile(r"image|mask", re.IGNORECASE)
#: How PNG, JPEG, WebP and GIF begin in base64, and a data URL.
_IMAGE_STARTS = ("iVBOR", "/9j/", "UklGR", "R0lGOD", "data:")
#: No text that people write is this long without a space.
_LONGEST_WORD = 200


def _result(entry: Entry) -> str:
    size = "" if entry.result_bytes is None else format_size(entry.result_bytes)
    return " ".join(each for each in (entry.code or "", size) if each) or _UNKNOWN


def _row(entry: Entry, now: Moment) -> list[str]:
    return [
        entry.id,
        entry.state,
        format_span(entry.granted.age_s(now)),
        str(entry.attempts),
        str(entry.webui_deaths + entry.handler_deaths),
        str(entry.tries),
        _result(entry),
        entry.note or (f"{entry.phase} at {entry.webui}" if entry.webui else ""),
    ]


def listed(found: Sequence[Entry], now: Moment) -> str:
    """Return a list of jobs, one line each."""
    return "\n".join(table([_HEAD, *(_row(each, now) for each in found)])) if found else "no jobs"


def job(entry: Entry, now: Moment, given: dict[str, Any] | None) -> str:
    """Return all there is to one job; `given` is its input as `hidden` gives it."""
    at = f" at {entry.webui}" if entry.webui else ""
    lines = [
        f"job {entry.id}: {entry.state}",
        f"  granted   {instant(entry.granted.wall_s)}, {entry.grants} time(s), to {entry.pod}",
        f"  changed   {format_span(entry.changed.age_s(now))} ago",
        f"  attempts  {entry.attempts}",
        f"  deaths    {entry.webui_deaths} of WebUIs, {entry.handler_deaths} of handlers",
        f"  phase     {entry.phase or _UNKNOWN}{at}",
        f"  result    {_result(entry)}",
        f"  tries     {entry.tries}",
    ]
    if entry.note:
        lines.append(f"  note      {entry.note}")
    lines += [f"  input     {name} = {value}" for name, value in (given or {}).items()]
    return "\n".join(lines)


def _text(name: str, value: str, *, full: bool) -> str:
    hidden = f"({len(value)} characters)"
    word = max(map(len, value.split()), default=0)
    image = _IMAGE.search(name) or value.startswith(_IMAGE_STARTS) or word > _LONGEST_WORD
    return hidden if image or _KEY.search(name) or not full else value


def hidden(given: object, *, full: bool, name: str = "") -> Any:
    """Return a job's input without images and keys; without `full`, without any text."""
    if isinstance(given, str):
        return _text(name, given, full=full)
    if _KEY.search(name):
        return "(hidden)"
    if isinstance(given, dict):
        return {key: hidden(each, full=full, name=key) for key, each in given.items()}
    if isinstance(given, list):
        return [hidden(each, full=full, name=name) for each in given]
    return given
