"""How far is the running job?

The numbers move and go stale exactly as the real server's `state` does: an idle server keeps the
last job's number and steps, and nothing tells how many jobs wait.
"""

from __future__ import annotations

import threading
import time


class Progress:
    """The state of the running job, and the two ways to cut it short."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cut = threading.Event()
        self._started_at_s = 0.0
        self.skipped = False
        self.interrupted = False
        self.job = ""
        self.job_count = 0
        self.job_timestamp = "0"
        self.job_no = 0
        self.sampling_step = 0
        self.sampling_steps = 0

    def begin(self, job: str) -> None:
        """Start counting for a job."""
        with self._lock:
            self._started_at_s = time.monotonic()
            self._cut.clear()
            self.skipped = self.interrupted = False
            self.job, self.job_count, self.job_no = job, -1, 0
            self.job_timestamp = time.strftime("%Y%m%d%H%M%S")
            self.sampling_step = 0

    def expect(self, passes: int) -> None:
        """Say how many passes of sampling the job has."""
        with self._lock:
            self.job_count = passes

    def sampling(self, steps: int) -> None:
        """Start a pass of so many steps."""
        with self._lock:
            self.sampling_step, self.sampling_steps = 0, steps

    def cut_within(self, span_s: float) -> bool:
        """Return False once the time has passed, or True at once when the job is cut."""
        return self._cut.wait(span_s)

    def step_done(self) -> None:
        """Count one step."""
        with self._lock:
            self.sampling_step += 1

    def next_pass(self) -> None:
        """End a pass; a skip ends with it, an interrupt does not."""
        with self._lock:
            self.job_no += 1
            self.skipped = False
            if not self.interrupted:
                self._cut.clear()

    def end(self) -> None:
        """Be idle. The numbers of the job stay, as they do in the real server."""
        with self._lock:
            self.job, self.job_count = "", 0

    def interrupt(self) -> None:
        """End the running job within the step; harmless when idle."""
        with self._lock:
            self.interrupted = True
            self._cut.set()

    def skip(self) -> None:
        """End the running pass within the step; harmless when idle."""
        with self._lock:
            self.skipped = True
            self._cut.set()

    @property
    def ratio(self) -> float:
        """Return how much of the running job is done, from 0 to 1, by the real server's formula."""
        with self._lock:
            return self._ratio()

    def _ratio(self) -> float:
        if self.job_count <= 0:
            return 0.0
        done = 0.01 + self.job_no / self.job_count
        if self.sampling_steps > 0:
            done += self.sampling_step / self.sampling_steps / self.job_count
        return min(done, 1.0)

    def _state(self) -> dict[str, object]:
        return {
            "skipped": self.skipped,
            "interrupted": self.interrupted,
            "stopping_generation": False,
            "job": self.job,
            "job_count": self.job_count,
            "job_timestamp": self.job_timestamp,
            "job_no": self.job_no,
            "sampling_step": self.sampling_step,
            "sampling_steps": self.sampling_steps,
        }

    def answer(self, preview: str | None) -> dict[str, object]:
        """Return the progress route's answer, with a preview as base64 or without one."""
        with self._lock:
            ratio = self._ratio()
            spent_s = time.monotonic() - self._started_at_s
            eta_s = spent_s / ratio - spent_s if ratio else 0.0
            return {
                "progress": ratio,
                "eta_relative": eta_s,
                "state": self._state(),
                "current_image": preview,
                "textinfo": None,
            }
