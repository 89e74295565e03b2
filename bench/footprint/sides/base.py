"""What is a supervising side to this bench?"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bench.common.running import end, spawn
from bench.footprint.cost import children_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

PROGRAMS = ("one", "two", "three")


class Side:
    """One supervisor with whatever watches beside it, and the programs that it keeps."""

    name = ""
    setting = ""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.program = program
        self._root: subprocess.Popen[bytes] | None = None

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None

    def start(self) -> None:
        """Start it and wait until all of it runs."""
        raise NotImplementedError

    def idle_command(self, name: str) -> list[str]:
        """Return the command line of a program that does nothing."""
        return [str(self.program), "plain", str(self.folder / f"{name}.starts")]

    def run(self, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start the supervisor, which `stop` ends."""
        self._root = spawn(command, self.folder / "log", environ)

    @property
    def root_pid(self) -> int:
        """Return the supervisor itself."""
        assert self._root is not None, "not started"  # noqa: S101 - a mistake in the bench
        return self._root.pid

    def pids(self) -> dict[str, int]:
        """Return the processes of the supervising side by name: all but the programs it keeps."""
        found = {"supervisor": self.root_pid}
        for pid in children_of(self.root_pid):
            with suppress(OSError):
                if Path(f"/proc/{pid}/exe").readlink() != self.program:
                    found[f"helper {len(found)}"] = pid
        return found

    def ready(self) -> bool:
        """Return whether all of it runs."""
        return all((self.folder / f"{name}.starts").exists() for name in PROGRAMS)

    def stop(self) -> None:
        """End it."""
        if self._root is not None:
            end(self._root)
