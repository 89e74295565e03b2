"""Who listens on which TCP port, and from where can it be reached?

Covers: listening sockets by process. Same as `ss -ltnp`.
Leaves out: whether that is as it should be (`doctor.ports`).
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.probes import files

if TYPE_CHECKING:
    from collections.abc import Iterable

_LISTEN = b"0A"
# Columns of /proc/net/tcp, see proc_net_tcp(5).
_LOCAL, _STATE, _INODE = 1, 3, 9


class Listening(NamedTuple):
    """One listening socket."""

    address: str
    port: int

    @property
    def loopback(self) -> bool:
        """Return whether only this machine, or container, can reach it."""
        address = ipaddress.ip_address(self.address)
        mapped = getattr(address, "ipv4_mapped", None)
        return (mapped or address).is_loopback

    def __str__(self) -> str:
        """Return it as people write it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


def parse_address(text: bytes) -> Listening:
    """Return the address and port that the kernel writes as `0100007F:0BB8`.

    The address is a row of 32-bit words, each in the machine's own order of bytes.
    """
    words, _, port = text.partition(b":")
    raw = bytes.fromhex(words.decode())
    if sys.byteorder == "little":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return Listening(str(ipaddress.ip_address(raw)), int(port, 16))


def sockets(pid: int, root: Path = Path("/")) -> dict[int, Listening]:
    """Return the listening sockets of a process's network, by inode."""
    found = {}
    for name in ("tcp", "tcp6"):
        content = files.read(f"{root}/proc/{pid}/net/{name}") or b""
        for line in content.splitlines()[1:]:
            columns = line.split()
            if len(columns) > _INODE and columns[_STATE] == _LISTEN:
                found[int(columns[_INODE])] = parse_address(columns[_LOCAL])
    return found


def _inodes(pid: int, root: Path) -> set[int] | None:
    """Return the inodes of the sockets a process has open, or None where that may not be seen."""
    folder = f"{root}/proc/{pid}/fd"
    inodes = set()
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone
    except OSError:
        return None
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")  # noqa: PTH115 - a text, no path
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            inodes.add(int(target[len("socket:[") : -1]))
    return inodes


def listening(pids: Iterable[int], root: Path = Path("/")) -> list[Listening] | None:
    """Return what these processes listen on, or None where none of them may be seen."""
    known = {pid: inodes for pid in pids if (inodes := _inodes(pid, root)) is not None}
    if not known:
        return None
    found = set()
    for pid, inodes in known.items():
        if inodes:
            found |= {each for inode, each in sockets(pid, root).items() if inode in inodes}
    return sorted(found)
