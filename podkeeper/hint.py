"""How does one process tell another to look, without waiting for it?

Covers: datagrams without content on a socket in the runtime folder. What there is to see stands in
files; a hint that is lost costs time, never truth.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BYTES = 4096


class Ear:
    """Where hints arrive."""

    def __init__(self, path: Path) -> None:
        """Listen at a path, in place of whoever did before.

        Raises:
            OSError: The path cannot be bound.
        """
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(path))
        path.chmod(0o600)

    def fileno(self) -> int:
        """Return what becomes readable when a hint comes."""
        return self._socket.fileno()

    def clear(self) -> None:
        """Take all hints that have come."""
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(_BYTES):
                pass

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


def give(path: Path) -> bool:
    """Give a hint to whoever listens at a path; return whether it was taken.

    Nobody there, or somebody who has one already, is no error.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as mouth:
        try:
            mouth.sendto(b"!", str(path))
        except OSError:
            return False
    return True
