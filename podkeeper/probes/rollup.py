"""How much of a program's memory is its alone, and how much does it share?

Covers: PSS and USS of processes, for decisions that need them.
Leaves out: what is read at every look (`probes.process`): the kernel walks through all of a
process's pages for these. Measured: 0.2 ms for a process of 14 MB, 10 ms more for each GiB that is
resident, and the process may have to wait meanwhile to map memory. Never ask at a steady pace.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.probes import files

if TYPE_CHECKING:
    from collections.abc import Iterable

_KIB = 1024
_NAMES = ("Pss", "Private_Clean", "Private_Dirty", "Private_Hugetlb", "SwapPss")


class Rollup(NamedTuple):
    """Memory of one process or of several, in bytes."""

    #: Resident memory, each shared page divided by the number of processes that share it.
    pss_bytes: int
    #: Resident pages that nobody else maps: what its end would give back at once.
    uss_bytes: int
    #: What is swapped out, shared as PSS is.
    swap_bytes: int


def rollup_of(pid: int, root: Path = Path("/")) -> Rollup | None:
    """Return how a process's memory is shared. Same as `cat /proc/PID/smaps_rollup`.

    PSS is `Pss`, USS the sum of `Private_*`. None where that may not be seen: it takes the right
    to trace the process.
    """
    found = files.table(f"{root}/proc/{pid}/smaps_rollup", *_NAMES)
    if "Pss" not in found:
        return None
    private = sum(size for name, size in found.items() if name.startswith("Private_"))
    return Rollup(found["Pss"] * _KIB, private * _KIB, found.get("SwapPss", 0) * _KIB)


def rollup_of_tree(pids: Iterable[int], root: Path = Path("/")) -> Rollup | None:
    """Return the sums over those processes that can be seen, or None where none can."""
    found = [each for each in (rollup_of(pid, root) for pid in pids) if each is not None]
    return Rollup(*map(sum, zip(*found, strict=True))) if found else None
