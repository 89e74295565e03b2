"""runit: one runsv a program, under runsvdir."""

from __future__ import annotations

import shutil

from bench.restart.peers.base import FORMS, Peer


class Runit(Peer):
    """runsvdir and its runsv."""

    name = "runit"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if shutil.which("runsvdir") else "runsvdir is not installed"

    def start(self) -> None:
        """Start it."""
        for form in FORMS:
            script = f"#!/bin/sh\nexec {' '.join(self.command(form))}\n"
            self.write(f"service/{form}/run", script, 0o700)
        self.run(["runsvdir", "-P", str(self.folder / "service")])

    def stop(self) -> None:
        """End it: SIGHUP makes runsvdir end its runsv as well, SIGTERM does not."""
        for process in self._running:
            process.send_signal(1)
            process.wait(30)
