"""How much memory does the machine have?

In a container this is the host's: `probes.cgroup` says what of it is ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from podkeeper.probes import files

_KIB = 1024
_NAMES = ("MemTotal", "MemAvailable", "MemFree", "AnonPages", "SwapTotal", "SwapFree")


class Machine(NamedTuple):
    """The machine's memory, in bytes; None where it is not known."""

    total_bytes: int | None = None
    #: What is not available to a new program.
    used_bytes: int | None = None
    #: All that is not free, files in the page cache included.
    filled_bytes: int | None = None
    anon_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None


def machine(root: Path = Path("/")) -> Machine:
    """Return the machine's memory.

    Same as `total`, `total` less `available`, `total` less `free` and the line `Swap` of `free -b`;
    `grep AnonPages /proc/meminfo`.
    """
    found = files.table(f"{root}/proc/meminfo", *_NAMES)
    known = {name: size_kib * _KIB for name, size_kib in found.items()}

    def less(whole: str, part: str) -> int | None:
        return known[whole] - known[part] if whole in known and part in known else None

    return Machine(
        known.get("MemTotal"),
        less("MemTotal", "MemAvailable"),
        less("MemTotal", "MemFree"),
        known.get("AnonPages"),
        known.get("SwapTotal"),
        less("SwapTotal", "SwapFree"),
    )
