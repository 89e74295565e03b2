"""What does each job take at most, and what does it leave behind?

Covers: peaks of one job, and the baseline after it. Video memory is counted by torch from the
job's begin on. RAM is looked at now and then, because the kernel's own peak is that of the
process's whole life and is what its death is explained by: where a job raises it, that is the job's
exact peak.
Leaves out: how a job's begin is noticed (`plug`), what is done before a baseline (`reclaim`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import checkpoints, cuda, host, process
from .host import Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from .settings import Settings


@dataclass
class _Open:
    """The job that runs."""

    number: int
    name: str
    began_s: float
    #: What was counted before it.
    before: dict[str, Any]
    rss_peak_before_bytes: int | None
    ram_anon_peak_bytes: int | None = None
    ram_rss_peak_bytes: int | None = None


def _most(one: int | None, other: int | None) -> int | None:
    known = [each for each in (one, other) if each is not None]
    return max(known, default=None)


def _since(after: Any, before: Any) -> Any:
    return None if after is None or before is None else after - before


class Jobs:
    """The jobs of one WebUI, which are one at a time."""

    def __init__(
        self,
        settings: Settings,
        tidy: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._tidy = tidy
        self._clock = clock
        self._changed = threading.Condition()
        self._open: _Open | None = None
        #: When the baseline of the last job is due.
        self._baseline_due_s: float | None = None
        self.begun = 0
        self.ended = 0
        self.last: dict[str, Any] | None = None
        self.baseline: dict[str, Any] | None = None

    def start(self) -> None:
        """Look at memory now and then, as long as the WebUI lives."""
        threading.Thread(target=self._run, name="podkeeper jobs", daemon=True).start()

    def begin(self, name: str) -> None:
        """Note that a job begins: peaks count from here on."""
        missing = Missing()
        ram = missing.ask("ram", process.ram) or {}
        with self._changed:
            self._leave_baseline(tidied=False)
            if self._open is not None:
                self._close()  # it ended without a word, as a job of the page does that fails
            self.begun += 1
            missing.ask("torch", cuda.reset_peaks)
            before = missing.ask("torch", cuda.counters) or {}
            peak_bytes = ram.get("rss_peak_bytes")
            self._open = _Open(self.begun, name, self._clock(), before, peak_bytes)
            self._look_at(ram)
            self._changed.notify()

    def end(self) -> None:
        """Note that the job has ended."""
        with self._changed:
            if self._open is not None:
                self._close()
                self._changed.notify()

    def answer(self) -> dict[str, Any]:
        """Return what is known of the jobs so far."""
        with self._changed:
            running = self._open
            return {
                "begun": self.begun,
                "ended": self.ended,
                "running": running.name if running else None,
                "last": self.last,
                "baseline": self.baseline,
            }

    def _look_at(self, ram: dict[str, int]) -> None:
        job = self._open
        if job is not None:
            job.ram_anon_peak_bytes = _most(job.ram_anon_peak_bytes, ram.get("anon_bytes"))
            job.ram_rss_peak_bytes = _most(job.ram_rss_peak_bytes, ram.get("rss_bytes"))

    def _close(self) -> None:
        job, missing = self._open, Missing()
        if job is None:
            return
        ram = missing.ask("ram", process.ram) or {}
        self._look_at(ram)
        peak_bytes = ram.get("rss_peak_bytes")
        if peak_bytes is not None and peak_bytes > (job.rss_peak_before_bytes or peak_bytes):
            job.ram_rss_peak_bytes = peak_bytes
        after = missing.ask("torch", cuda.counters) or {}
        peaks = missing.ask("torch", cuda.peaks) or {}
        now_s = self._clock()
        self.last = {
            "number": job.number,
            "name": job.name,
            "took_s": now_s - job.began_s,
            "ended_monotonic_s": now_s,
            "checkpoint": missing.ask("checkpoint", checkpoints.current),
            "ram_anon_peak_bytes": job.ram_anon_peak_bytes,
            "ram_rss_peak_bytes": job.ram_rss_peak_bytes,
            "allocated_peak_bytes": peaks.get("allocated_peak_bytes"),
            "reserved_peak_bytes": peaks.get("reserved_peak_bytes"),
            "retries": _since(after.get("retries"), job.before.get("retries")),
            "ooms": _since(after.get("ooms"), job.before.get("ooms")),
        }
        self._open = None
        self.ended += 1
        self._baseline_due_s = now_s + self._settings.baseline_s

    def _leave_baseline(self, *, tidied: bool) -> None:
        """Read what the last job left, at its time or sooner, when the next one begins."""
        if self._baseline_due_s is None or self.last is None:
            return
        self._baseline_due_s = None
        missing, now_s = Missing(), self._clock()
        ram = missing.ask("ram", process.ram) or {}
        torch = missing.ask("torch", cuda.counters) or {}
        self.baseline = {
            "number": self.last["number"],
            "checkpoint": self.last["checkpoint"],
            "after_s": now_s - self.last["ended_monotonic_s"],
            "taken_monotonic_s": now_s,
            "tidied": tidied,
            "ram_anon_bytes": ram.get("anon_bytes"),
            "allocated_bytes": torch.get("allocated_bytes"),
            "reserved_bytes": torch.get("reserved_bytes"),
        }

    def pause_s(self) -> float | None:
        """Return how long there is nothing to look at; None until the next job."""
        if self._open is not None:
            return self._settings.sample_period_s
        due_s = self._baseline_due_s
        return None if due_s is None else max(0.0, due_s - self._clock())

    def look(self) -> None:
        """Look once at what is due."""
        if self._open is not None:
            ram = Missing().ask("ram", process.ram) or {}
            with self._changed:
                self._look_at(ram)
            return
        due_s = self._baseline_due_s
        if due_s is None or self._clock() < due_s:
            return
        # Outside our lock: it takes its time, and a job may begin meanwhile.
        tidied = self._settings.tidy and self._tidy()
        with self._changed:
            self._leave_baseline(tidied=tidied)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait(self.pause_s())
            try:
                self.look()
            # This thread is a guest: it ends itself rather than fail again and again.
            except Exception as error:  # noqa: BLE001 - see above
                host.say(f"looks at jobs no more: {host.in_words(error)}")
                return
