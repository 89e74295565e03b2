"""Where does a result lie until the platform has it?

Covers: a file for each result that waits, another folder for those that were delivered and may be
asked for again, and the bounds of both. The file's name says whose result it is, so that a result
outlives even the journal.
Leaves out: what the results are for (`journal`), sending them (`courier`).
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from podkeeper import atomic
from podkeeper.units import format_size

if TYPE_CHECKING:
    from pathlib import Path

_SUFFIX = ".json"
#: What file systems take as a name, less what a temporary name adds.
_LONGEST_NAME = 200


class SpoolError(Exception):
    """A result cannot be kept in a file."""


@dataclass
class _Shelf:
    """The results in one folder, with their sizes, the oldest first."""

    folder: Path
    sizes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = [(each.stat(), each) for each in self.folder.iterdir()]
        for stat, path in sorted(found, key=lambda each: each[0].st_mtime):
            if path.name.endswith(_SUFFIX):
                self.sizes[unquote(path.name.removesuffix(_SUFFIX))] = stat.st_size
            else:
                path.unlink()  # half a result of a handler that was killed

    @property
    def total_bytes(self) -> int:
        return sum(self.sizes.values())

    def path(self, name: str) -> Path:
        return self.folder / f"{quote(name, safe='')}{_SUFFIX}"

    def drop(self, name: str) -> None:
        if self.sizes.pop(name, None) is not None:
            self.path(name).unlink(missing_ok=True)

    def move(self, name: str, other: _Shelf) -> None:
        self.path(name).replace(other.path(name))
        other.sizes[name] = self.sizes.pop(name)


class Spool:
    """The results of one worker; used from several threads.

    Raises:
        OSError: The folder cannot be made or looked into.
    """

    def __init__(self, folder: Path, max_bytes: int, answered_max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._answered_max_bytes = answered_max_bytes
        self._lock = threading.Lock()
        self._waiting = _Shelf(folder / "results")
        self._answered = _Shelf(folder / "answered")

    @property
    def waiting(self) -> list[str]:
        """Return whose results wait for delivery."""
        with self._lock:
            return list(self._waiting.sizes)

    def has_answer(self, name: str) -> bool:
        """Return whether a result that was delivered is still there."""
        return name in self._answered.sizes

    def put(self, name: str, result: bytes) -> None:
        """Keep a result in place of any former one; it is whole or not there, also after a kill.

        Raises:
            SpoolError: It was not kept.
        """
        path = self._waiting.path(name)
        if len(path.name) > _LONGEST_NAME:
            raise SpoolError("its id is too long for a file's name")
        with self._lock:
            self._make_room(name, len(result))
        try:
            atomic.write(path, result, mode=0o600)
        except OSError as error:
            with self._lock, contextlib.suppress(OSError):
                self._waiting.drop(name)
            raise SpoolError(str(error)) from error

    def _make_room(self, name: str, size_bytes: int) -> None:
        others_bytes = self._waiting.total_bytes - self._waiting.sizes.get(name, 0)
        if others_bytes + size_bytes > self._max_bytes:
            size, bound = format_size(size_bytes), format_size(self._max_bytes)
            raise SpoolError(f"{size} more would exceed journal.max_bytes ({bound})")
        # Counted before it is written: others may come meanwhile.
        self._waiting.sizes[name] = size_bytes
        with contextlib.suppress(OSError):
            self._answered.drop(name)

    def path(self, name: str) -> Path | None:
        """Return the file of a result that waits for delivery."""
        return self._waiting.path(name) if name in self._waiting.sizes else None

    def sync(self, name: str) -> None:
        """Bring a result onto the disk: it has to wait, and may have to outlive the machine.

        Raises:
            OSError: The disk does not take it.
        """
        for path in (self._waiting.path(name), self._waiting.folder):
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def answered(self, name: str) -> None:
        """Put a delivered result aside; the oldest go where there is no room.

        Raises:
            OSError: It cannot be moved.
        """
        with self._lock:
            if name not in self._waiting.sizes:
                return
            self._waiting.move(name, self._answered)
            for oldest in list(self._answered.sizes):
                if self._answered.total_bytes <= self._answered_max_bytes:
                    return
                self._answered.drop(oldest)

    def again(self, name: str) -> None:
        """Take a delivered result back among those that wait.

        Raises:
            OSError: It cannot be moved.
        """
        with self._lock:
            self._answered.move(name, self._waiting)

    def drop(self, name: str) -> None:
        """Forget a result, wherever it is.

        Raises:
            OSError: The file cannot be removed.
        """
        with self._lock:
            self._waiting.drop(name)
            self._answered.drop(name)

    def forget_answers(self, keep: set[str]) -> None:
        """Drop delivered results but those.

        Raises:
            OSError: A file cannot be removed.
        """
        with self._lock:
            for name in [each for each in self._answered.sizes if each not in keep]:
                self._answered.drop(name)
