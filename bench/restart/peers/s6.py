"""s6: one s6-supervise a program, under s6-svscan."""

from __future__ import annotations

import shutil

from bench.restart.peers.base import FORMS, Peer


class S6(Peer):
    """s6-svscan and its s6-supervise."""

    name = "s6"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if shutil.which("s6-svscan") else "s6-svscan is not installed"

    def start(self) -> None:
        """Start it."""
        for form in FORMS:
            script = f"#!/bin/sh\nexec {' '.join(self.command(form))}\n"
            self.write(f"service/{form}/run", script, 0o700)
        self.run(["s6-svscan", str(self.folder / "service")])
