"""supervisord as it comes: one process, three programs, autorestart."""

from __future__ import annotations

import sys

from bench.restart.peers.base import FORMS, Peer


class Supervisord(Peer):
    """Stock supervisord."""

    name = "supervisord"
    setting = "autorestart=true, startsecs=1"

    def start(self) -> None:
        """Start it."""
        lines = [
            "[supervisord]",
            "nodaemon = true",
            f"logfile = {self.folder}/supervisord.log",
            f"pidfile = {self.folder}/supervisord.pid",
        ]
        for form in FORMS:
            command = " ".join(self.command(form))
            lines += [f"[program:{form}]", f"command = {command}", "autorestart = true"]
            lines += ["startsecs = 1", f"stdout_logfile = {self.folder}/{form}.out"]
        conf = self.write("supervisord.conf", "\n".join(lines) + "\n")
        self.run([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(conf)])
