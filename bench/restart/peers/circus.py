"""circus: three watchers; it looks for the dead every check_delay."""

from __future__ import annotations

from bench.common.machine import ROOT
from bench.common.ports import free_ports
from bench.restart.peers.base import FORMS, Peer

CIRCUSD = ROOT / ".tools" / "peers" / "bin" / "circusd"


class Circus(Peer):
    """One circusd."""

    name = "circus"
    setting = "check_delay=5, its default; no streams, with which it loses what closed its output"

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
        for form in FORMS:
            lines += [f"[watcher:{form}]", f"cmd = {' '.join(self.command(form))}", "numprocs = 1"]
        conf = self.write("circus.ini", "\n".join(lines) + "\n")
        self.run([str(CIRCUSD), str(conf)])
