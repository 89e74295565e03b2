"""Which jobs does the heartbeat name?

Covers: the SDK's own list, and the jobs that are this worker's to end beside it: those that a
killed handler left, and those whose results are on their way. A platform that misses a name gives
the job away.
Leaves out: the heartbeat itself, which is the SDK's (`heartbeat` replaces one that died).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Mirror(Protocol):
    """What the SDK tells its heartbeat's process by."""

    def set(self, job_ids: str | None) -> None:
        """Tell the names, with commas between them."""

    def get(self) -> str | None:
        """Return the names that were told last."""


class Names:
    """Stands between the SDK's list of jobs and the memory that its heartbeat reads."""

    def __init__(self, others: Callable[[], Iterable[str]]) -> None:
        """Take note of who knows of more jobs than the SDK."""
        self._others = others
        self._own: str | None = None
        self._told: str | None = None
        self._real: Mirror | None = None

    def attach(self, progress: Any) -> None:
        """Go between, by the door that the SDK has for its own list; `JobsProgress` is it."""
        self._real = progress._mirror  # noqa: SLF001 - there is no other way to it
        progress.set_mirror(self)

    def set(self, job_ids: str | None) -> None:
        """Take the SDK's own names."""
        self._own = job_ids
        self.refresh()

    def get(self) -> str | None:
        """Return the names that the heartbeat reads."""
        return self._real.get() if self._real is not None else None

    def refresh(self) -> None:
        """Tell all names as they are now."""
        if self._real is not None:
            own = self._own.split(",") if self._own else []
            names = ",".join(dict.fromkeys([*own, *self._others()]))
            if names != self._told:
                self._told = names
                self._real.set(names or None)
