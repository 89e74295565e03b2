"""What is a supervisor to this bench?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.common.running import end, spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Where the program's standard output is: see bench/common/program.c.
FORMS = ("plain", "grand", "file")


class Peer:
    """One supervisor that keeps the program running, once in each form."""

    name = ""
    #: What was set, in words, for the report.
    setting = "its defaults"

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.program = program
        self._running: list[subprocess.Popen[bytes]] = []

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None

    def starts_path(self, form: str) -> Path:
        """Return the file that the program of a form writes its starts to."""
        return self.folder / f"{form}.starts"

    def command(self, form: str) -> list[str]:
        """Return the program's command line."""
        return [str(self.program), form, str(self.starts_path(form))]

    def start(self) -> None:
        """Start the supervisor."""
        raise NotImplementedError

    def run(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start a process that `stop` ends."""
        self._running.append(spawn(command, self.folder / "log", environ))

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a file of its configuration and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def stop(self) -> None:
        """End the supervisor."""
        for process in self._running:
            end(process)
