"""How much memory does the machine have?

In a container this is the host's: `probes.cgroup` says what of it is ours.
"""

from __future__ import annotations

from pathlib import Path

from podkeeper.probes import files

_KIB = 1024


def _read(name: str, root: Path) -> int | None:
    value = files.table(f"{root}/proc/meminfo").get(name)
    return None if value is None else value * _KIB


def total_bytes(root: Path = Path("/")) -> int | None:
    """Return the machine's memory. Same as `grep MemTotal /proc/meminfo`, in bytes."""
    return _read("MemTotal", root)


def used_bytes(root: Path = Path("/")) -> int | None:
    """Return what is not available to a new program.

    Same as `total` less `available` of `free -b`.
    """
    values = files.table(f"{root}/proc/meminfo")
    total, available = values.get("MemTotal"), values.get("MemAvailable")
    return None if total is None or available is None else (total - available) * _KIB
