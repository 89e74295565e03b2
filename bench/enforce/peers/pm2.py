"""pm2 with max_memory_restart."""

from __future__ import annotations

import json
from typing import ClassVar

from bench.enforce.peers.base import LIMIT_MIB, Peer
from bench.restart.peers import pm2


class Pm2(pm2.Daemon, Peer):
    """One pm2 daemon with a home of its own, and one app."""

    name = "pm2, 1 s"
    setting = "PM2_WORKER_INTERVAL=1000; its default is 30 s"
    more: ClassVar[dict[str, str]] = {"PM2_WORKER_INTERVAL": "1000"}

    def start(self) -> None:
        """Start it."""
        script, *arguments = self.command()
        app = {
            "name": "hog",
            "script": script,
            "args": arguments,
            "interpreter": "none",
            "max_memory_restart": f"{LIMIT_MIB}M",
        }
        self.pm2("start", str(self.write("apps.json", json.dumps({"apps": [app]}))))
