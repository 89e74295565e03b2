"""What does the pretended card hold, and what does it say about itself?

Covers: weights, a job's peak, torch's counters, the out-of-memory error with torch's words.
Leaves out: how much a job needs (`vram`).
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from podkeeper.sim.webui.errors import OutOfMemoryError
from podkeeper.sim.webui.vram import CONTEXT_BYTES, MIB

if TYPE_CHECKING:
    from podkeeper.sim.webui.vram import Need

_GIB = 1024 * MIB
#: The allocator's figures in the order of the real answer.
_STATS = ("active", "allocated", "reserved", "inactive")


def _in_words(size_bytes: int) -> str:
    return f"{size_bytes / _GIB:.2f} GiB" if size_bytes >= _GIB else f"{size_bytes / MIB:.2f} MiB"


class Card:
    """A card of `total_bytes`; a total of 0 says that there is none."""

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self._lock = threading.Lock()
        self._weights_bytes = 0
        self._working_bytes = 0
        self._live_bytes = 0
        self._cached_bytes = 0
        self._peaks = {"allocated": 0, "reserved": 0}
        #: The same since the running job's begin.
        self._job_peaks = {"allocated": 0, "reserved": 0}
        self.retries = 0
        self.ooms = 0

    def hold_weights(self, weights_bytes: int) -> None:
        """Replace the weights on the card; 0 takes them off."""
        with self._lock:
            self._weights_bytes = weights_bytes
            self._cached_bytes = 0
            self._note()

    def sample(self, need: Need) -> None:
        """Take what sampling needs.

        Raises:
            OutOfMemoryError: It does not fit.
        """
        self._take(need.sampling_bytes, need)

    def decode(self, need: Need) -> None:
        """Take what the job's peak needs.

        Raises:
            OutOfMemoryError: It does not fit.
        """
        self._take(need.peak_bytes, need)

    def empty(self) -> None:
        """Empty the allocator's cache."""
        with self._lock:
            self._cached_bytes = 0

    def begin(self) -> None:
        """Empty the allocator's cache, as the real server does before each job; count its peaks."""
        self.empty()
        with self._lock:
            self._job_peaks = self._now()

    def rest(self, *, failed: bool) -> None:
        """Give a job's memory back; after a failure the cache keeps it until the next job."""
        with self._lock:
            self._cached_bytes = self._working_bytes if failed else 0
            self._working_bytes = self._live_bytes = 0

    def fail(self, wanted_bytes: int) -> OutOfMemoryError:
        """Count an out-of-memory and return the error that says so."""
        with self._lock:
            return self._failure(wanted_bytes)

    def _take(self, wanted_bytes: int, need: Need) -> None:
        with self._lock:
            used = CONTEXT_BYTES + self._weights_bytes
            if self.total_bytes and used + wanted_bytes > self.total_bytes:
                raise self._failure(wanted_bytes - self._working_bytes)
            self._working_bytes = wanted_bytes
            self._live_bytes = min(wanted_bytes, need.peak_allocated_bytes)
            self._note()

    def _failure(self, wanted_bytes: int) -> OutOfMemoryError:
        self.retries += 1
        self.ooms += 1
        reserved = self._weights_bytes + self._working_bytes
        free = max(0, self.total_bytes - CONTEXT_BYTES - reserved)
        return OutOfMemoryError(
            f"CUDA out of memory. Tried to allocate {_in_words(wanted_bytes)}. GPU 0 has a total "
            f"capacty of {_in_words(self.total_bytes)} of which {_in_words(free)} is free. Process "
            f"{os.getpid()} has {_in_words(CONTEXT_BYTES + reserved)} memory in use. Of the "
            f"allocated memory {_in_words(self._weights_bytes)} is allocated by PyTorch, and "
            f"{_in_words(self._working_bytes)} is reserved by PyTorch but unallocated. If reserved "
            "but unallocated memory is large try setting max_split_size_mb to avoid fragmentation."
            "  See documentation for Memory Management and PYTORCH_CUDA_ALLOC_CONF"
        )

    def _note(self) -> None:
        for name, now in self._now().items():
            for peaks in (self._peaks, self._job_peaks):
                peaks[name] = max(peaks[name], now)

    def _now(self) -> dict[str, int]:
        return {
            "allocated": self._weights_bytes + self._live_bytes,
            "reserved": self._weights_bytes + self._working_bytes + self._cached_bytes,
        }

    @property
    def now(self) -> dict[str, int]:
        """Return what is allocated and reserved, in bytes."""
        with self._lock:
            return self._now()

    @property
    def job_peaks(self) -> dict[str, int]:
        """Return the most that was allocated and reserved since the last job's begin."""
        with self._lock:
            return dict(self._job_peaks)

    def answer(self) -> dict[str, object]:
        """Return the `cuda` part of the memory route; its peaks last as long as the process."""
        if not self.total_bytes:
            return {"error": "unavailable"}
        with self._lock:
            now, peak = self._now(), dict(self._peaks)
            events = {"retries": self.retries, "oom": self.ooms}
        for each in (now, peak):
            each["active"] = each["allocated"]
            each["inactive"] = each["reserved"] - each["allocated"]
        used = CONTEXT_BYTES + now["reserved"]
        return {
            "system": {"free": self.total_bytes - used, "used": used, "total": self.total_bytes},
            **{name: {"current": now[name], "peak": peak[name]} for name in _STATS},
            "events": events,
        }
