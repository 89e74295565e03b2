"""pm2: its daemon and three apps."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

from bench.common.machine import ROOT
from bench.restart.peers.base import FORMS, Peer

PM2 = ROOT / ".tools" / "pm2" / "node_modules" / ".bin" / "pm2"


class Pm2(Peer):
    """One pm2 daemon with a home of its own."""

    name = "pm2"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if PM2.exists() and shutil.which("node") else "pm2 is not installed"

    def _pm2(self, *words: str) -> None:
        environ = {**os.environ, "PM2_HOME": str(self.folder / "home")}
        with (self.folder / "log").open("ab") as log:
            subprocess.run([str(PM2), *words], env=environ, stdout=log, stderr=log, check=True)

    def start(self) -> None:
        """Start it."""
        apps = []
        for form in FORMS:
            script, *arguments = self.command(form)
            apps.append({"name": form, "script": script, "args": arguments, "interpreter": "none"})
        conf = self.write("apps.json", json.dumps({"apps": apps}))
        self._pm2("start", str(conf))

    def stop(self) -> None:
        """End it."""
        self._pm2("kill")
