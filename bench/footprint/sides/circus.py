"""circus with one resource_watcher."""

from __future__ import annotations

from bench.common.machine import ROOT
from bench.common.ports import free_ports
from bench.common.running import wait_for
from bench.footprint.sides.base import PROGRAMS, Side

CIRCUSD = ROOT / ".tools" / "peers" / "bin" / "circusd"


class Circus(Side):
    """circusd and its plugin process."""

    name = "circus + resource_watcher"
    setting = "three idle programs, their output into files; resource_watcher on one, every 60 s"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if CIRCUSD.exists() else "circusd is not installed"

    def start(self) -> None:
        """Start it."""
        first, second = free_ports(2)
        lines = [
            "[circus]",
            f"endpoint = tcp://127.0.0.1:{first}",
            f"pubsub_endpoint = tcp://127.0.0.1:{second}",
        ]
        for name in PROGRAMS:
            lines += [f"[watcher:{name}]", f"cmd = {' '.join(self.idle_command(name))}"]
            for channel in ("stdout", "stderr"):
                lines += [f"{channel}_stream.class = FileStream"]
                lines += [f"{channel}_stream.filename = {self.folder}/{name}.{channel}"]
        lines += ["[plugin:memory]", "use = circus.plugins.resource_watcher.ResourceWatcher"]
        lines += [f"watcher = {PROGRAMS[0]}", "max_mem = 2048"]
        conf = self.folder / "circus.ini"
        conf.write_text("\n".join(lines) + "\n")
        self.run([str(CIRCUSD), str(conf)])
        wait_for(lambda: self.ready() and len(self.pids()) > 1, self.name)
