"""What did each job take at most, and what did it leave, in the words of podkeeper's extension?

Covers: the same as the extension's own account, from the simulator's model of memory. It tidies
nothing by itself, so that what grows can be seen to grow.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.sim.webui.card import Card
    from podkeeper.sim.webui.models import Models
    from podkeeper.sim.webui.ram import Ram

Account = dict[str, object]


class JobLog:
    """The jobs of one simulated server."""

    def __init__(self, ram: Ram, card: Card, models: Models, baseline_s: float) -> None:
        self._ram = ram
        self._card = card
        self._models = models
        self._baseline_s = baseline_s
        self._lock = threading.Lock()
        self._running: str | None = None
        self._began_s = self._ended_s = 0.0
        self._before = (0, 0)
        self._begun = self._ended = 0
        self._last: Account | None = None
        self._baseline: Account | None = None

    def begin(self, name: str) -> None:
        """Note that a job begins: peaks count from here on."""
        with self._lock:
            self._leave_baseline()
            self._begun += 1
            self._running, self._began_s = name, time.monotonic()
            self._before = self._card.retries, self._card.ooms
            self._ram.begin()

    def end(self) -> None:
        """Note that the job has ended."""
        with self._lock:
            self._ended += 1
            self._ended_s = time.monotonic()
            self._last = self._peaks()
            self._running = None

    @property
    def _checkpoint(self) -> str | None:
        loaded = self._models.loaded
        return loaded.title if loaded else None

    def _peaks(self) -> Account:
        peaks, card = self._card.job_peaks, bool(self._card.total_bytes)
        retries, ooms = self._before
        return {
            "number": self._begun,
            "name": self._running,
            "took_s": self._ended_s - self._began_s,
            "ended_monotonic_s": self._ended_s,
            "checkpoint": self._checkpoint,
            "ram_anon_peak_bytes": self._ram.peak_bytes,
            "ram_rss_peak_bytes": self._ram.peak_bytes,
            "allocated_peak_bytes": peaks["allocated"] if card else None,
            "reserved_peak_bytes": peaks["reserved"] if card else None,
            "retries": self._card.retries - retries if card else None,
            "ooms": self._card.ooms - ooms if card else None,
        }

    def _leave_baseline(self) -> None:
        """Read what the last job left, as long as no other has begun."""
        if self._last is None or self._running is not None:
            return
        now_s, now, card = time.monotonic(), self._card.now, bool(self._card.total_bytes)
        self._baseline = {
            "number": self._last["number"],
            "checkpoint": self._last["checkpoint"],
            "after_s": now_s - self._ended_s,
            "taken_monotonic_s": now_s,
            "tidied": False,
            "ram_anon_bytes": self._ram.used_bytes,
            "allocated_bytes": now["allocated"] if card else None,
            "reserved_bytes": now["reserved"] if card else None,
        }

    def answer(self) -> Account:
        """Return what is known of the jobs so far."""
        with self._lock:
            known = self._baseline["number"] if self._baseline else 0
            due = time.monotonic() - self._ended_s >= self._baseline_s
            if due and known != self._ended:
                self._leave_baseline()
            return {
                "begun": self._begun,
                "ended": self._ended,
                "running": self._running,
                "last": self._last,
                "baseline": self._baseline,
            }
