"""How is a value written so that supervisor reads exactly that value back?

Covers: the three readings that supervisor 4.3 gives a value, one after another: the INI file
(comments, white space), `%` expansion, and for some a lexer of their own.
Leaves out: which value belongs where (`conf/supervisord.conf.j2`).

What no spelling can carry is refused. Refusals never show the value: it may be a secret.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from podkeeper.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Expands to nothing. It keeps apart, in the file, what supervisor's INI reader would take away:
#: white space at either end, and white space before `;` or `#`, where it sees a comment.
NOTHING = "%(here).0s"

_COMMENT = re.compile(r"(?<=\s)(?=[;#])")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LINE_BREAKS = {"\n": "a line break", "\r": "a carriage return", "\0": "a NUL character"}


def _refuse(what: str, cause: str) -> RenderError:
    return RenderError(f"cannot render {what}: {cause}")


def _check(text: str, what: str) -> None:
    for character, name in _LINE_BREAKS.items():
        if character in text:
            raise _refuse(what, f"the value holds {name}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refuse(what, "the value is not valid UTF-8") from None


def _is_apart(text: str) -> bool:
    """Return whether the INI reader leaves the text whole."""
    return text == text.strip() and not _COMMENT.search(text) and text[:1] not in {";", "#"}


def value(text: str, what: str) -> str:
    """Return an option's value that supervisor expands once.

    Raises:
        RenderError: It holds a line break or NUL, or is no Unicode text; `what` names it.
    """
    _check(text, what)
    escaped = _COMMENT.sub(NOTHING, text.replace("%", "%%"))
    if text[:1] in {";", "#"} or text[:1].isspace():
        escaped = NOTHING + escaped
    return escaped + NOTHING if text[-1:].isspace() else escaped


def unexpanded(text: str, what: str) -> str:
    """Return a value of a plugin's section, where `NOTHING` is not known to supervisor.

    Raises:
        RenderError: As for `value`, or it would be cut where a comment seems to start.
    """
    _check(text, what)
    if not _is_apart(text):
        raise _refuse(what, "white space at its ends or before ; or # would be lost")
    return text.replace("%", "%%")


def log_file(text: str, what: str) -> str:
    """Return the path of a program's log file, which supervisor expands twice.

    Raises:
        RenderError: As for `value`.
    """
    return value(text.replace("%", "%%"), what)


def words(command: Sequence[str], what: str) -> str:
    """Return a command line that supervisor splits into exactly these words.

    Raises:
        RenderError: As for `value`, or the command is empty.
    """
    if not command:
        raise _refuse(what, "the command is empty")
    return value(shlex.join(command), what)


def _quoted(text: str, what: str) -> str:
    """Return one value of an environment, quoted for supervisor's own reading of it.

    It knows no escape character, and it strips every quote from both ends.
    """
    if text != text.strip("'\""):
        raise _refuse(what, "a quote at either end of the value would be lost")
    if "'" in text and '"' in text:
        raise _refuse(what, "the value holds both kinds of quotes")
    _check(text, what)
    quote = "'" if '"' in text else '"'
    return quote + _COMMENT.sub(NOTHING, text.replace("%", "%%")) + quote


def variables(environment: Mapping[str, str], program: str) -> str:
    """Return an `environment=` value, one variable a line.

    Raises:
        RenderError: supervisor cannot read a name or a value back; the message names the program,
            the variable and the cause.
    """
    lines = []
    for name, text in environment.items():
        what = f"environment variable {name!a} of {program}"
        if not _NAME.fullmatch(name):
            raise _refuse(what, "a name is letters, digits and underscores, no digit first")
        lines.append(f"{name}={_quoted(text, what)}")
    return ",\n    ".join(lines)
