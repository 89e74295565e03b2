"""What is a supervisor to this bench?"""

from __future__ import annotations

from bench.common import peer

LIMIT_MIB, TAKEN_MIB = 200, 300


class Peer(peer.Peer):
    """One supervisor that keeps the program running and within its memory limit."""

    #: The time within which a trial begins, at random: at least the pause between two looks.
    window_s = 6.0

    def command(self) -> list[str]:
        """Return the program's command line: see hog.c."""
        return [str(self.program), str(self.folder), str(LIMIT_MIB), str(TAKEN_MIB)]
