"""How did each process end? supervisord's events do not say; its wait does.

The recorder takes the place of `supervisord.options.waitpid` and keeps what it saw in a bounded
list that the keeper reads by RPC, so that a keeper that was away misses nothing.
"""

from __future__ import annotations

import os
import time
from collections import deque
from typing import Any

from hooks.plugin_guard import Guard

# More than all programs can die between two looks of a keeper, even one that has to restart first.
_KEPT = 512
_KIB = 1024


class DeathRecorder:
    """Stands between supervisord and the kernel's wait."""

    def __init__(self, supervisord: Any) -> None:
        self._options = supervisord.options
        self._guard = Guard(supervisord)
        self._seen: deque[dict[str, Any]] = deque(maxlen=_KEPT)
        # Goes on rising when SIGHUP makes a new recorder, so that a reader's place stays valid.
        self._next = time.time_ns()
        #: Why a process that is about to die was killed, by its pid.
        self._expected: dict[int, str] = {}

    def attach(self) -> None:
        """Make supervisord reap through this recorder."""
        self._options.waitpid = self.waitpid

    def after(self, sequence: int) -> list[dict[str, Any]]:
        """Return the deaths with a higher sequence, oldest first."""
        return [each for each in self._seen if each["sequence"] > sequence]

    def expect(self, pid: int, why: str) -> None:
        """Note that a process is being killed by the plugin itself, and why."""
        self._expected[pid] = why

    def add_last_lines(self, pid: int, lines: list[str]) -> None:
        """Add what a process wrote last to the record of its death."""
        for death in reversed(self._seen):
            if death["pid"] == pid:
                death["last_lines"] = lines
                return

    def waitpid(self) -> tuple[int | None, int | None]:
        """Reap one child, as supervisord's own `options.waitpid` does, and note how it ended.

        Returns:
            Its pid and wait status; None twice where no child is there to be reaped.
        """
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return None, None
        except InterruptedError:
            return None, None
        if pid:
            self._guard(self._note)((pid, status, usage.ru_maxrss * _KIB))
        return pid, status

    def _note(self, end: tuple[int, int, int]) -> None:
        pid, status, peak_rss_bytes = end
        process = self._options.pidhistory.get(pid)
        if process is None:
            return  # an orphan that init adopted; the keeper's sweep knows it by its mark
        killed = os.WIFSIGNALED(status)
        self._seen.append(
            {
                "sequence": self._next,
                "program": str(process.config.name),
                "pid": pid,
                "at_s": time.time(),
                "at_monotonic_s": time.monotonic(),
                "exit_code": None if killed else os.WEXITSTATUS(status),
                "signal": os.WTERMSIG(status) if killed else None,
                "dumped_core": killed and os.WCOREDUMP(status),
                "stop_requested": bool(process.killing),
                "peak_rss_bytes": peak_rss_bytes,
                "own_cause": self._expected.pop(pid, None),
                "last_lines": [],
            }
        )
        self._next += 1
