"""What of the WebUI and of torch can be reached, and what is missing?

Covers: the one door to modules that are not ours. They are taken as they are loaded, never
imported: a question must not change what the WebUI holds.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class MissingError(Exception):
    """Something of the WebUI, of torch or of this machine is not there; the message says what."""


def module(name: str) -> Any:
    """Return a module that is loaded.

    Raises:
        MissingError: It is not.
    """
    found = sys.modules.get(name)
    if found is None:
        raise MissingError(f"{name} is not loaded")
    return found


def part(module_name: str, name: str) -> Any:
    """Return something of a loaded module.

    Raises:
        MissingError: There is no such module, or no such thing in it.
    """
    found = getattr(module(module_name), name, None)
    if found is None:
        raise MissingError(f"{module_name} has no {name}")
    return found


def in_words(error: BaseException) -> str:
    """Return an error as one line."""
    text = " ".join(str(error).split())
    return text if isinstance(error, MissingError) else f"{type(error).__name__}: {text}"


class Missing:
    """What could not be read, and why."""

    def __init__(self) -> None:
        self.why: dict[str, str] = {}

    def ask(self, name: str, read: Callable[[], Value]) -> Value | None:
        """Return a reading, or None after noting why there is none."""
        try:
            return read()
        # Private parts of other people's programs may fail in any way; none may reach the WebUI.
        except Exception as error:  # noqa: BLE001 - see above
            self.why[name] = in_words(error)
        return None


_said: set[str] = set()
_saying = threading.Lock()


def say(text: str) -> None:
    """Write a line for people into the WebUI's log, each text once."""
    with _saying:
        if text in _said:
            return
        _said.add(text)
    sys.stderr.write(f"podkeeper: {text}\n")
