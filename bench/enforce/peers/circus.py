"""circus with a resource_watcher."""

from __future__ import annotations

from bench.common.ports import free_ports
from bench.enforce.peers.base import LIMIT_MIB, Peer
from bench.restart.peers import circus


class Circus(Peer):
    """circusd and its plugin."""

    name = "circus, 1 s"
    setting = (
        "resource_watcher, loop_rate=1 and max_count=1 (the second look above the limit); its"
        " defaults are 60 and 3"
    )
    missing = circus.Circus.missing

    def start(self) -> None:
        """Start it."""
        first, second = free_ports(2)
        lines = [
            "[circus]",
            f"endpoint = tcp://127.0.0.1:{first}",
            f"pubsub_endpoint = tcp://127.0.0.1:{second}",
            "[watcher:hog]",
            f"cmd = {' '.join(self.command())}",
            "[plugin:memory]",
            "use = circus.plugins.resource_watcher.ResourceWatcher",
            "watcher = hog",
            f"max_mem = {LIMIT_MIB}M",
            "max_cpu = 0",
            "health_threshold = 0",
            "loop_rate = 1",
            "max_count = 1",
        ]
        conf = self.write("circus.ini", "\n".join(lines) + "\n")
        self.run([str(circus.CIRCUSD), str(conf)])
