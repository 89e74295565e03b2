"""In which control groups are we, and where do their files lie?

Covers: finding a controller's folder under cgroup v1, v2 and both at once (hybrid), inside and
outside of a cgroup namespace.
Leaves out: what the files say (`probes.cgroup`, `probes.cpu`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from podkeeper.probes import files

#: Names the hierarchy of cgroup v2, whichever controllers it has, where a controller is asked for.
UNIFIED = ""
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Place(NamedTuple):
    """The folder of our own group for one controller."""

    version: int
    #: Our own group.
    folder: str
    #: The highest group that can be seen from here: the container's own, as a rule.
    top: str

    def levels(self) -> list[str]:
        """Return our group and all above it that can be seen: a limit of any of them binds us."""
        folders = [self.folder]
        while folders[-1] != self.top and len(folders[-1]) > len(self.top):
            folders.append(folders[-1].rpartition("/")[0])
        return folders


class _Mount(NamedTuple):
    kind: str
    #: Which group of the hierarchy is mounted.
    group: str
    point: str
    options: frozenset[str]


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)


def _mounts(root: Path) -> list[_Mount]:
    mounts = []
    content = files.read(f"{root}/proc/self/mountinfo") or b""
    for line in content.decode(errors="replace").splitlines():
        left, _, right = line.partition(" - ")
        before, after = left.split(" "), right.split(" ")
        if len(before) > 4 and len(after) > 2 and after[0].startswith("cgroup"):  # noqa: PLR2004 - proc_pid_mountinfo(5)
            options = frozenset(after[2].split(","))
            mounts.append(_Mount(after[0], _unescaped(before[3]), _unescaped(before[4]), options))
    return mounts


def _memberships(root: Path) -> dict[str, str]:
    """Return our group by controller; the unified hierarchy has the empty name."""
    groups = {}
    content = files.read(f"{root}/proc/self/cgroup") or b""
    for line in content.decode(errors="replace").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        groups.update(dict.fromkeys(controllers.split(","), group))
    return groups


def _folder(mount: _Mount, group: str, root: Path) -> str:
    """Return where a group lies below a mount.

    In a container the path in /proc/self/cgroup may name the host's tree, of which only our own
    part is mounted; then the mount point itself is our group.
    """
    top = f"{root}{mount.point}" if str(root) != "/" else mount.point
    base = mount.group.rstrip("/")
    below = group.removeprefix(base).strip("/") if group.startswith(base) else ""
    folder = f"{top}/{below}" if below and ".." not in below else top
    return folder if Path(folder).is_dir() else top


def find(controller: str, root: Path = Path("/")) -> Place | None:
    """Return our group for a controller such as `memory`, or None where none can be seen.

    Same as `cat /proc/self/cgroup` looked up in `grep cgroup /proc/self/mountinfo`.
    """
    groups, mounts = _memberships(root), _mounts(root)
    for version, key in ((1, controller), (2, UNIFIED)):
        for mount in mounts:
            fits = mount.kind == "cgroup2" if version == 2 else controller in mount.options  # noqa: PLR2004 - v2
            if fits and key in groups:
                top = _folder(mount, "/", root)
                return Place(version, _folder(mount, groups[key], root), top)
    return None
