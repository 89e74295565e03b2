"""What can run out, and where are its lines?

Covers: the kinds of signals, each headroom in its own unit, and the lines for one of a given size.
Leaves out: judging (`policy.pressure`), what is done (`policy.ladder`), the readings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from podkeeper.policy.pressure import Threshold


class Kind(StrEnum):
    """What can run out. The value is the word in snapshots, logs and metrics."""

    #: RAM of one program below its limit, in bytes.
    PROGRAM_MEMORY = "program_memory"
    #: RAM of the container, in bytes.
    MEMORY = "memory"
    #: Memory of one GPU, in bytes.
    VRAM = "vram"
    #: Room of one file system, in bytes.
    DISK = "disk"
    #: Files that one file system can still take.
    INODES = "inodes"
    #: Files that one program can still open.
    OPEN_FILES = "open_files"
    #: Share of the quota's periods in which nobody had to wait for the next.
    CPU = "cpu"


class Signal(NamedTuple):
    """One thing that can run out."""

    kind: Kind
    #: Of what: a program's name, a folder, a GPU's index; empty for the worker as a whole.
    subject: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        words = self.kind.replace("_", " ")
        return f"{words} of {self.subject}" if self.subject else words


@dataclass(frozen=True)
class Shares:
    """Lines as shares of the capacity that must be left."""

    soft: float
    hard: float
    critical: float = -math.inf
    #: Headroom that no line asks for, however large the capacity is.
    most: float = math.inf


def lines(shares: Shares, capacity: float, release_factor: float, grace_s: float) -> Threshold:
    """Return the lines for a capacity; what releases is the soft line times a factor.

    Where the shares would ask for more than `most`, all lines shrink alike.
    """
    scale = min(1.0, shares.most / (shares.soft * capacity)) if shares.soft * capacity else 1.0
    size = capacity * scale
    return Threshold(
        soft=shares.soft * size,
        hard=shares.hard * size,
        release=shares.soft * size * release_factor,
        grace_s=grace_s,
        critical=shares.critical * size,
    )
