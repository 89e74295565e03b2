"""What does the simulator say of its RAM, and which of it is real?

Covers: the model (a server's base, checkpoints, leaks, what is kept for later) and, where asked
for, real touched pages. What grows from job to job is always real: a limit that never meets it was
never tested.
"""

from __future__ import annotations

import mmap
import os
import threading

import psutil

from podkeeper.probes.process import memory_of

#: RSS of an idle A1111 1.10.1 without a checkpoint: 660 to 720 MB measured.
BASE_BYTES = 700_000_000
_CHUNK = b"\x5a" * (1 << 20)


def touch(size_bytes: int) -> mmap.mmap:
    """Return an anonymous mapping whose every page is really there."""
    region = mmap.mmap(-1, max(size_bytes, 1))
    written = 0
    while written < size_bytes:
        written += region.write(_CHUNK[: size_bytes - written])
    return region


class Ram:
    """The RAM of the simulated server."""

    def __init__(self, *, real: bool) -> None:
        self.real = real
        self._lock = threading.Lock()
        self._held: dict[str, tuple[int, mmap.mmap | None]] = {}
        self._leaked: list[mmap.mmap] = []
        self._cached: list[mmap.mmap] = []
        self.leaked_bytes = 0
        self.cached_bytes = 0
        #: The most that was held since `begin`.
        self.peak_bytes = 0

    def hold(self, name: str, size_bytes: int) -> None:
        """Add RAM under a name, until it is released."""
        region = touch(size_bytes) if self.real else None
        with self._lock:
            self._held[name] = (size_bytes, region)
        self._note()

    def release(self, name: str) -> None:
        """Give back what is held under a name, if anything is."""
        with self._lock:
            _, region = self._held.pop(name, (0, None))
        if region is not None:
            region.close()

    def keep(self, name: str, new_name: str) -> None:
        """Rename what is held, in place of what the new name held."""
        self.release(new_name)
        with self._lock:
            self._held[new_name] = self._held.pop(name)

    def leak(self, size_bytes: int) -> None:
        """Take real RAM and never give it back."""
        region = touch(size_bytes)
        with self._lock:
            self._leaked.append(region)
            self.leaked_bytes += size_bytes
        self._note()

    def cache(self, size_bytes: int) -> None:
        """Take real RAM and keep it until somebody asks for it, as an allocator does."""
        region = touch(size_bytes)
        with self._lock:
            self._cached.append(region)
            self.cached_bytes += size_bytes
        self._note()

    def drop_cache(self) -> None:
        """Give back what is kept for later."""
        with self._lock:
            regions, self._cached = self._cached, []
            self.cached_bytes = 0
        for region in regions:
            region.close()

    def begin(self) -> None:
        """Count the peak anew from here on."""
        self.peak_bytes = self.used_bytes

    def _note(self) -> None:
        self.peak_bytes = max(self.peak_bytes, self.used_bytes)

    @property
    def model_bytes(self) -> int:
        """Return what the modelled server takes."""
        with self._lock:
            grown = self.leaked_bytes + self.cached_bytes
            return BASE_BYTES + grown + sum(size for size, _ in self._held.values())

    @property
    def used_bytes(self) -> int:
        """Return what only this server's end would free: the process's own where RAM is real."""
        own = memory_of(os.getpid()) if self.real else None
        return self.model_bytes if own is None else own

    def answer(self) -> dict[str, object]:
        """Return the `ram` part of the memory route: "free" is the total less this process's own.

        Where the RAM is real it is the process's RSS, else the model's.
        """
        used = psutil.Process().memory_info().rss if self.real else self.model_bytes
        total = float(psutil.virtual_memory().total)
        return {"free": total - used, "used": used, "total": total}
