"""monit: looks once a cycle whether the process of a pid file lives."""

from __future__ import annotations

import shutil

from bench.restart.peers.base import FORMS, Peer


class Monit(Peer):
    """One monit in the foreground."""

    name = "monit"
    setting = "cycle 1 s"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if shutil.which("monit") else "monit is not installed"

    def start(self) -> None:
        """Start it."""
        lines = ["set daemon 1"]
        kinds = ("pidfile", "statefile", "idfile", "logfile")
        lines += [f"set {kind} {self.folder}/monit.{kind}" for kind in kinds]
        for form in FORMS:
            pid_path = self.folder / f"{form}.pid"
            script = f"#!/bin/sh\n{' '.join(self.command(form))} &\necho $! > {pid_path}\n"
            starter = self.write(f"{form}.sh", script, 0o700)
            lines += [f"check process {form} with pidfile {pid_path}"]
            lines += [f'  start program = "{starter}"']
        conf = self.write("monitrc", "\n".join(lines) + "\n")
        self.run(["monit", "-I", "-c", str(conf)])
