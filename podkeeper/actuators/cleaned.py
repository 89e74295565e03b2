"""What came of making room on a disk?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podkeeper.units import format_size

if TYPE_CHECKING:
    from podkeeper.actuators.entries import Fault


@dataclass(frozen=True)
class Removed:
    """What is gone, and what came back with it."""

    path: str
    kind: str
    size_bytes: int
    inodes: int


def shown(path: str) -> str:
    """Return a path that can be written anywhere: a name of a file may hold any bytes."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in path
    )


@dataclass(frozen=True)
class Cleaned:
    """The outcome of one step."""

    removed: tuple[Removed, ...] = ()
    #: What could not be looked at or removed: the first of them, and how many there were.
    faults: tuple[Fault, ...] = ()
    failed: int = 0
    #: Whether enough came back.
    met: bool = False
    #: Why it ended before all was looked at; empty where it did not.
    ended: str = ""

    @property
    def freed_bytes(self) -> int:
        """What came back."""
        return sum(each.size_bytes for each in self.removed)

    @property
    def freed_inodes(self) -> int:
        """What came back."""
        return sum(each.inodes for each in self.removed)

    def _kinds(self) -> str:
        parts = []
        for kind in dict.fromkeys(each.kind for each in self.removed):
            of_kind = [each for each in self.removed if each.kind == kind]
            size = format_size(sum(each.size_bytes for each in of_kind))
            parts.append(f"{len(of_kind)} of {kind} ({size})")
        return ", ".join(parts) or "nothing"

    def __str__(self) -> str:
        """Return it on one line, for an incident's action or a log."""
        words = [f"removed {self._kinds()}, {self.freed_inodes} inodes"]
        if self.faults:
            first = self.faults[0]
            words.append(f"{self.failed} faults, the first: {shown(first.path)}: {first.why}")
        if self.ended:
            words.append(f"ended early: {self.ended}")
        return "; ".join(words)

    def evidence(self, most: int) -> dict[str, object]:
        """Return it for an incident, with at most so many paths, the largest first."""
        largest = sorted(self.removed, key=lambda each: -each.size_bytes)[:most]
        return {
            "freed_bytes": self.freed_bytes,
            "freed_inodes": self.freed_inodes,
            "removed": [[shown(each.path), each.size_bytes] for each in largest],
            "removed_entries": len(self.removed),
            "not_removed": [[shown(each.path), each.why] for each in self.faults[:most]],
            "need_met": self.met,
            "ended_early": self.ended or None,
        }
