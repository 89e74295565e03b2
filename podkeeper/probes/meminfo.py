"""How much memory does the machine have?

In a container this is the host's: `probes.cgroup` says what of it is ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from podkeeper.probes import files

_KIB = 1024


class Machine(NamedTuple):
    """The machine's memory, in bytes; None where it is not known."""

    total_bytes: int | None
    #: What is not available to a new program.
    used_bytes: int | None


def machine(root: Path = Path("/")) -> Machine:
    """Return the machine's memory.

    Same as `total`, and `total` less `available`, of `free -b`.
    """
    values = files.table(f"{root}/proc/meminfo", "MemTotal", "MemAvailable")
    total, available = values.get("MemTotal"), values.get("MemAvailable")
    if total is None or available is None:
        return Machine(None if total is None else total * _KIB, None)
    return Machine(total * _KIB, (total - available) * _KIB)
