"""What is an entry of a folder, and what would its removal give back?

Covers: single files, and folders that go whole, from what the file system says of them.
Leaves out: walking through folders (`podkeeper.actuators.cleanable`).
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import os

    from podkeeper.actuators.inuse import Identity

_BLOCK_BYTES = 512


@dataclass(frozen=True)
class Fault:
    """What could not be looked at or removed, and why."""

    path: str
    why: str


def why(error: OSError) -> str:
    """Return what an error says, without the path."""
    return error.strerror or str(error)


def look(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return what an entry itself is, a symlink included; None where it has gone meanwhile."""
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def used_at_s(found: os.stat_result) -> float:
    """Return when a file was read or written last, or when entries of a folder came or went.

    Most file systems note reading only once a day (relatime), some never. Reading a folder is what
    every look does, so that it does not count.
    """
    return found.st_mtime if stat.S_ISDIR(found.st_mode) else max(found.st_atime, found.st_mtime)


class Freed(NamedTuple):
    """What a removal gives back."""

    size_bytes: int = 0
    inodes: int = 0

    def plus(self, other: Freed) -> Freed:
        """Return both together."""
        return Freed(self.size_bytes + other.size_bytes, self.inodes + other.inodes)


def _size_bytes(found: os.stat_result) -> int:
    """Return what a file takes: its blocks, or its length where the file system counts none."""
    return found.st_blocks * _BLOCK_BYTES or found.st_size


def freed_by(found: os.stat_result) -> Freed:
    """Return what comes back with the removal of an empty folder, or of one name of a file."""
    alone = stat.S_ISDIR(found.st_mode) or found.st_nlink <= 1
    return Freed(_size_bytes(found), 1) if alone else Freed()


def mark(found: os.stat_result) -> tuple[int, ...]:
    """Return by what an entry is known again as long as nobody touches it.

    An inode alone is given to the next file; the instant of change cannot be set back.
    """
    read = () if stat.S_ISDIR(found.st_mode) else (found.st_atime_ns,)
    return found.st_dev, found.st_ino, found.st_ctime_ns, *read


class Total:
    """What a folder comes to with all in it."""

    def __init__(self) -> None:
        self.used_at_s = 0.0
        #: Whether somebody uses any of it.
        self.protected = False
        self._freed = Freed()
        #: Names seen so far of each file that has several, how many it has, and its size.
        self._links: dict[Identity, list[int]] = {}

    def add(self, found: os.stat_result) -> None:
        """Add one entry below it, or the folder itself."""
        self.used_at_s = max(self.used_at_s, used_at_s(found))
        freed = freed_by(found)
        self._freed = self._freed.plus(freed)
        if not freed.inodes:
            identity = found.st_dev, found.st_ino
            seen = self._links.setdefault(identity, [0, found.st_nlink, _size_bytes(found)])
            seen[0] += 1

    def freed(self) -> Freed:
        """Return what comes back; a file that has another name elsewhere gives nothing."""
        whole = [size for names, links, size in self._links.values() if names == links]
        return self._freed.plus(Freed(sum(whole), len(whole)))
