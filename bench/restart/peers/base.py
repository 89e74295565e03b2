"""What is a supervisor to this bench?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.common import peer

if TYPE_CHECKING:
    from pathlib import Path

#: Where the program's standard output is: see bench/common/program.c.
FORMS = ("plain", "grand", "file")


class Peer(peer.Peer):
    """One supervisor that keeps the program running, once in each form."""

    def starts_path(self, form: str) -> Path:
        """Return the file that the program of a form writes its starts to."""
        return self.folder / f"{form}.starts"

    def command(self, form: str) -> list[str]:
        """Return the program's command line."""
        return [str(self.program), form, str(self.starts_path(form))]
