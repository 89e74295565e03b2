"""pm2: its daemon and three apps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import ClassVar

from bench.common import peer
from bench.common.machine import ROOT
from bench.restart.peers.base import FORMS, Peer

PM2 = ROOT / ".tools" / "pm2" / "node_modules" / ".bin" / "pm2"


class Daemon(peer.Peer):
    """One pm2 daemon with a home of its own."""

    #: Variables of its environment.
    more: ClassVar[dict[str, str]] = {}

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if PM2.exists() and shutil.which("node") else "pm2 is not installed"

    def pm2(self, *words: str) -> None:
        """Run pm2, whose first command starts the daemon."""
        environ = {**os.environ, **self.more, "PM2_HOME": str(self.folder / "home")}
        with (self.folder / "log").open("ab") as log:
            subprocess.run([str(PM2), *words], env=environ, stdout=log, stderr=log, check=True)

    def stop(self) -> None:
        """End it."""
        self.pm2("kill")


class Pm2(Daemon, Peer):
    """pm2 with the three forms."""

    name = "pm2"

    def start(self) -> None:
        """Start it."""
        apps = []
        for form in FORMS:
            script, *arguments = self.command(form)
            apps.append({"name": form, "script": script, "args": arguments, "interpreter": "none"})
        self.pm2("start", str(self.write("apps.json", json.dumps({"apps": apps}))))
