"""Which files does somebody use, so that they must stay?

Covers: what processes have open or mapped, and what the WebUI says that it has loaded: its weights
lie in memory then, and their file is open no longer.
Leaves out: what is done with the others (`podkeeper.actuators.disk`).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_DELETED = " (deleted)"
#: Columns of a line of /proc/PID/maps up to the path, see proc_pid_maps(5).
_DEVICE, _INODE, _PATH = 3, 4, 5
_HEX = 16

#: A file for as long as it has a name: device and inode.
Identity = tuple[int, int]


@dataclass(frozen=True)
class InUse:
    """What is used. A file is known by its identity, its path or its name."""

    files: frozenset[Identity] = frozenset()
    paths: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    #: Processes that may not be looked into.
    unseen: frozenset[int] = frozenset()

    def has(self, path: str, found: os.stat_result) -> bool:
        """Return whether a file is among them."""
        return (
            (found.st_dev, found.st_ino) in self.files
            or path in self.paths
            or path.rpartition("/")[2] in self.names
        )


@dataclass
class _Look:
    files: set[Identity] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)

    def add_file(self, path: str) -> None:
        """Add the file that a path leads to, if it leads to one."""
        try:
            found = os.stat(path)  # noqa: PTH116 - thousands of them
        except OSError:  # closed meanwhile
            return
        if stat.S_ISREG(found.st_mode):
            self.files.add((found.st_dev, found.st_ino))

    def add_loaded(self, loaded: Collection[str]) -> None:
        """Add files by name or path; a path is also known by where it leads to."""
        for each in loaded:
            if "/" in each:
                self.add_file(each)
                self.paths.add(each)
            self.names.add(each.rpartition("/")[2])

    def add_opened(self, folder: str) -> None:
        """Add what a process has open. Same as `ls -l /proc/PID/fd`."""
        for name in os.listdir(f"{folder}/fd"):  # noqa: PTH208 - hot
            self.add_file(f"{folder}/fd/{name}")

    def add_mapped(self, folder: str) -> None:
        """Add what a process has mapped. Same as `cat /proc/PID/maps`.

        By its path too: a file of an overlay may be mapped under another device and inode.
        """
        with open(f"{folder}/maps", "rb") as lines:  # noqa: PTH123 - hot
            for line in lines:
                words = line.rstrip(b"\n").split(maxsplit=_PATH)
                if len(words) > _PATH and words[_PATH].startswith(b"/"):
                    major, minor = (int(number, _HEX) for number in words[_DEVICE].split(b":"))
                    self.files.add((os.makedev(major, minor), int(words[_INODE])))
                    self.paths.add(os.fsdecode(words[_PATH]).removesuffix(_DELETED))


def _pids(proc: str) -> Iterator[int]:
    return (int(name) for name in os.listdir(proc) if name.isdigit())  # noqa: PTH208 - hot


def look(loaded: Collection[str] = (), proc: str = "/proc") -> InUse:
    """Return what all processes that can be seen use, and what is `loaded`, by name or path.

    Some milliseconds for each process with many libraries. A process that ends meanwhile uses
    nothing; one that may not be looked into is named.
    """
    found, unseen = _Look(), set()
    found.add_loaded(loaded)
    for pid in _pids(proc):
        try:
            found.add_opened(f"{proc}/{pid}")
            found.add_mapped(f"{proc}/{pid}")
        except (FileNotFoundError, ProcessLookupError):
            continue
        except OSError:
            unseen.add(pid)
    return InUse(
        frozenset(found.files), frozenset(found.paths), frozenset(found.names), frozenset(unseen)
    )
