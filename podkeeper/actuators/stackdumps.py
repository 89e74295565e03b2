"""Where does a hung program stand?

Covers: a command such as py-spy's, which writes a process's stack, beside the keeper: it is begun,
and collected at a later look or killed at its deadline. Where there is no such command, or it may
not look into the process, a WebUI with podkeeper's extension is asked itself. What comes is bounded
and kept in a folder of which the oldest files go.
Leaves out: asking a WebUI (`actuators.own_stacks`), whether a program is hung (`policy.hang`).
"""

from __future__ import annotations

import logging
import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from podkeeper.actuators.own_stacks import Asking, is_stopped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_log = logging.getLogger("keeper")


@dataclass(frozen=True)
class _Running:
    """A dump on its way."""

    pid: int
    path: Path
    until_s: float
    process: subprocess.Popen[bytes] | None
    asking: Asking | None = None

    def poll(self) -> int | None:
        source = self.asking or self.process
        return source.poll() if source else None


class StackDumps:
    """The stack dumps that are being written."""

    def __init__(  # noqa: PLR0913 - one of each setting
        self,
        command: str,
        folder: Path,
        *,
        wait_s: float,
        max_bytes: int,
        max_files: int,
        urls: Mapping[str, str] | None = None,
        url_timeout_s: float = 0.0,
    ) -> None:
        self._command = shlex.split(command)
        self._folder = folder
        self._wait_s = wait_s
        self._max_bytes = max_bytes
        self._max_files = max_files
        #: Where a program tells its own stacks, by its name.
        self._urls = urls or {}
        self._url_timeout_s = url_timeout_s
        self._running: dict[str, _Running] = {}

    def begin(self, program: str, pid: int) -> bool:
        """Begin to write a program's stack; False where nobody can tell it, or there is no room."""
        if program in self._running:
            return False
        command = bool(self._command and shutil.which(self._command[0]))
        if not command and not self._can_ask(program, pid):
            return False
        path = self._folder / f"{time.time():.0f}-{program}-{pid}.txt"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            process = self._execute(path, pid) if command else None
        except OSError as error:
            _log.warning("Cannot write a stack of %s: %s", program, error)
            return False
        running = _Running(pid, path, time.monotonic() + self._wait_s, process)
        self._running[program] = running if command else self._asked(program, running)
        return True

    def _execute(self, path: Path, pid: int) -> subprocess.Popen[bytes]:
        command = [word.replace("{pid}", str(pid)) for word in self._command]
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as output:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _can_ask(self, program: str, pid: int) -> bool:
        return program in self._urls and not is_stopped(pid)

    def _asked(self, program: str, running: _Running) -> _Running:
        """Return the dump, now on its way from the program itself."""
        timeout_s = min(self._url_timeout_s, max(0.0, running.until_s - time.monotonic()))
        asking = Asking(self._urls[program], running.path, timeout_s, self._max_bytes)
        return replace(running, asking=asking)

    def finished(self) -> list[tuple[str, str]]:
        """Return the programs whose dumps have ended since the last call, and what came of it."""
        ended = []
        for program, running in list(self._running.items()):
            code, overdue = running.poll(), time.monotonic() >= running.until_s
            if code is None and not overdue:
                continue
            if code and not overdue and not running.asking and self._can_ask(program, running.pid):
                self._running[program] = self._asked(program, running)
                continue
            del self._running[program]
            ended.append((program, self._outcome(running)))
        return ended

    def _outcome(self, running: _Running) -> str:
        end = self._end(running)
        try:
            if not running.path.exists():
                return f"no stack: {end}"
            written_bytes = running.path.stat().st_size
            if written_bytes > self._max_bytes:
                os.truncate(running.path, self._max_bytes)
            self._drop_oldest()
        except OSError as error:
            return f"cannot keep {running.path}: {error.strerror}"
        return f"{running.path} ({min(written_bytes, self._max_bytes)} bytes, {end})"

    def _end(self, running: _Running) -> str:
        """Return in words how a dump ended, and end what has not."""
        process, words = running.process, []
        code = process.poll() if process else None
        if process and code is None:
            process.kill()
            process.wait()
        if process:
            words.append(f"not done in {self._wait_s:g} s" if code is None else f"exit code {code}")
        if running.asking:
            known = running.asking.poll() is not None
            words.append(f"asked itself: {running.asking.detail if known else 'no answer'}")
        return ", ".join(words)

    def _drop_oldest(self) -> None:
        found = sorted(self._folder.glob("*.txt"), key=lambda each: each.stat().st_mtime)
        for path in found[: -self._max_files]:
            path.unlink(missing_ok=True)
