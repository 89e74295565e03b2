"""How is a probe kept from holding up all others?

A reading that may hang (a stale network volume, a GPU that fell off its bus) runs in a thread of
its own; whoever wants it gets the newest one without waiting, or None where that is too old.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class Background(Generic[Value]):
    """Takes one reading again and again, one at a time."""

    def __init__(self, name: str, read: Callable[[], Value], period_s: float) -> None:
        self._read = read
        self._period_s = period_s
        self._stopped = threading.Event()
        self._newest: tuple[float, Value] | None = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further reading; one that hangs is left to itself."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                value = self._read()
                self._newest = time.monotonic(), value
                self._stopped.wait(self._period_s)
        except BaseException as failure:  # noqa: BLE001 - raised again where the value is asked for
            self._failure = failure

    def latest(self, max_age_s: float) -> Value | None:
        """Return the newest reading, or None where there is none that is young enough.

        Raises:
            BaseException: What the reading raised; it takes no further ones then.
        """
        if self._failure is not None:
            raise self._failure
        if self._newest is None or time.monotonic() - self._newest[0] > max_age_s:
            return None
        return self._newest[1]


def within(read: Callable[[], Value], limit_s: float) -> Value | None:
    """Return what one reading gives, or None where it hangs for longer than the limit.

    Raises:
        BaseException: What the reading raised.
    """
    found: list[Value] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            found.append(read())
        except BaseException as failure:  # noqa: BLE001 - raised again below
            failures.append(failure)

    thread = threading.Thread(target=run, name="once", daemon=True)
    thread.start()
    thread.join(limit_s)
    if failures:
        raise failures[0]
    return found[0] if found else None
