"""monit: looks once a cycle."""

from __future__ import annotations

from bench.enforce.peers.base import LIMIT_MIB, Peer
from bench.restart.peers import monit


class Monit(Peer):
    """One monit in the foreground."""

    name = "monit, 1 s"
    setting = "cycle 1 s; its default is 30 s"
    missing = monit.Monit.missing

    def start(self) -> None:
        """Start it."""
        pid_path = self.folder / "hog.pid"
        start = f"#!/bin/sh\n{' '.join(self.command())} &\necho $! > {pid_path}\n"
        stop = f"#!/bin/sh\nkill $(cat {pid_path})\n"
        kinds = ("pidfile", "statefile", "idfile", "logfile")
        lines = [
            "set daemon 1",
            *(f"set {kind} {self.folder}/monit.{kind}" for kind in kinds),
            f"check process hog with pidfile {pid_path}",
            f'  start program = "{self.write("start.sh", start, 0o700)}"',
            f'  stop program = "{self.write("stop.sh", stop, 0o700)}"',
            f"  if memory usage > {LIMIT_MIB} MB then restart",
        ]
        conf = self.write("monitrc", "\n".join(lines) + "\n")
        self.run(["monit", "-I", "-c", str(conf)])
