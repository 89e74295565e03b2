"""How much room do the file systems have that matter?

A network volume that does not answer can hold the caller for minutes: call it from a thread of
its own (`probes.background`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.model.snapshot import Disk

if TYPE_CHECKING:
    from collections.abc import Iterable


def disk(path: str, root: Path = Path("/")) -> Disk | None:
    """Return the room of the file system at `path`, or None where there is no such folder.

    Same as `df -B1 --output=size,avail PATH` and `df -i PATH`. What only root may use does not
    count as available. File systems without inodes, such as overlays of them, give None.
    """
    try:
        found = os.statvfs(root / path.lstrip("/"))
    except FileNotFoundError:
        return None
    except OSError:  # such as a stale network volume
        return Disk(
            path=path,
            capacity_bytes=None,
            available_bytes=None,
            capacity_inodes=None,
            available_inodes=None,
        )
    return Disk(
        path=path,
        capacity_bytes=found.f_blocks * found.f_frsize,
        available_bytes=found.f_bavail * found.f_frsize,
        capacity_inodes=found.f_files or None,
        available_inodes=found.f_favail if found.f_files else None,
    )


def _device(path: str, root: Path) -> object:
    try:
        return (root / path.lstrip("/")).stat().st_dev
    except OSError:
        return path


def disks(paths: Iterable[str], root: Path = Path("/")) -> list[Disk]:
    """Return each file system once, under the first of the paths that lies on it."""
    first: dict[object, str] = {}
    for path in paths:
        first.setdefault(_device(path, root), path)
    found = (disk(path, root) for path in first.values())
    return [each for each in found if each is not None]
