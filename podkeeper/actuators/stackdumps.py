"""Where does a hung program stand?

Covers: a command such as py-spy's, which writes a process's stack, beside the keeper: it is begun,
and collected at a later look or killed at its deadline. Its output is bounded and kept in a folder
of which the oldest files go.
Leaves out: whether a program is hung (`policy.hang`).
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger("keeper")


@dataclass(frozen=True)
class _Running:
    """A dump on its way."""

    process: subprocess.Popen[bytes]
    path: Path
    until_s: float


class StackDumps:
    """The stack dumps that are being written."""

    def __init__(
        self, command: str, folder: Path, *, wait_s: float, max_bytes: int, max_files: int
    ) -> None:
        self._command = shlex.split(command)
        self._folder = folder
        self._wait_s = wait_s
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._running: dict[str, _Running] = {}

    def begin(self, program: str, pid: int) -> bool:
        """Begin to write a program's stack; False where there is no such command, or no room."""
        if program in self._running or not self._command or not shutil.which(self._command[0]):
            return False
        command = [word.replace("{pid}", str(pid)) for word in self._command]
        path = self._folder / f"{time.time():.0f}-{program}-{pid}.txt"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            _log.warning("Cannot write a stack of %s: %s", program, error)
            return False
        self._running[program] = _Running(process, path, time.monotonic() + self._wait_s)
        return True

    def finished(self) -> list[tuple[str, str]]:
        """Return the programs whose dumps have ended since the last call, and what came of it."""
        ended = []
        for program, running in list(self._running.items()):
            overdue = time.monotonic() >= running.until_s
            if running.process.poll() is None and not overdue:
                continue
            del self._running[program]
            ended.append((program, self._outcome(running)))
        return ended

    def _outcome(self, running: _Running) -> str:
        code = running.process.poll()
        if code is None:
            running.process.kill()
            running.process.wait()
        try:
            written_bytes = running.path.stat().st_size
            if written_bytes > self._max_bytes:
                os.truncate(running.path, self._max_bytes)
            self._drop_oldest()
        except OSError as error:
            return f"cannot keep {running.path}: {error.strerror}"
        end = f"not done in {self._wait_s:g} s" if code is None else f"exit code {code}"
        return f"{running.path} ({min(written_bytes, self._max_bytes)} bytes, {end})"

    def _drop_oldest(self) -> None:
        found = sorted(self._folder.glob("*.txt"), key=lambda each: each.stat().st_mtime)
        for path in found[: -self._max_files]:
            path.unlink(missing_ok=True)
