"""What is a supervisor to a bench that has several do the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bench.common.running import end, spawn

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Peer:
    """One supervisor that keeps the bench's program running."""

    name = ""
    #: What was set, in words, for the report.
    setting = "its defaults"
    #: Why it takes part only where it is named; None where it always does.
    aside: str | None = None

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        self.program = program
        self._running: list[subprocess.Popen[bytes]] = []

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None

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

    def log(self) -> str:
        """Return the last lines of what it wrote."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-1500:] if path.exists() else ""

    def stop(self) -> None:
        """End the supervisor."""
        for process in self._running:
            end(process)


T = TypeVar("T", bound=Peer)


def take_part(
    kinds: Sequence[type[T]], names: Sequence[str], folder: Path, program: Path
) -> tuple[list[T], list[str]]:
    """Return the supervisors that can take part, and a line for each that does not.

    With names, only those; without, all but those that stay aside.
    """
    peers, missing = [], []
    for kind in kinds:
        if names and kind.name not in names:
            continue
        own = folder / kind.__name__.lower()
        own.mkdir()
        peer = kind(own, program)
        why = peer.missing() or (None if names else peer.aside)
        if why is None:
            peers.append(peer)
        else:
            missing.append(f"{peer.name} is missing: {why}")
    return peers, missing
