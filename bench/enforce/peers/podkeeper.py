"""podkeeper: the whole worker, with the program as its WebUI."""

from __future__ import annotations

from bench.common.worker import NO_CRASH_LOOP, UP, environment
from bench.enforce.peers.base import LIMIT_MIB, Peer


class Podkeeper(Peer):
    """`podkeeper up`: supervisord, keeper and watchdog, as shipped."""

    name = "podkeeper"
    setting = (
        f"as shipped, webui.memory_soft=150MiB, webui.memory_hard={LIMIT_MIB}MiB;"
        " restart.reset_after_s=1s and a large restart.budget, so that no restart waits"
    )

    def start(self) -> None:
        """Start it. Its handler is the same program, which nobody tells to take anything."""
        handler = self.folder / "handler"
        handler.mkdir()
        idle = [str(self.program), str(handler), "1", "1"]
        limits = {"WEBUI__MEMORY_SOFT": "150MiB", "WEBUI__MEMORY_HARD": f"{LIMIT_MIB}MiB"}
        self.run(UP, environment(self.folder, self.command(), idle, **NO_CRASH_LOOP, **limits))
