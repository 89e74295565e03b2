"""supervisord with memmon and httpok at TICK_5."""

from __future__ import annotations

from bench.common.machine import ROOT
from bench.common.ports import free_ports
from bench.common.running import wait_for
from bench.footprint.sides.base import PROGRAMS, Side

BIN = ROOT / ".tools" / "peers" / "bin"


class Superlance(Side):
    """Stock supervisord and two listeners of superlance."""

    name = "supervisord + memmon + httpok"
    setting = "three idle programs; memmon -a 2GB and httpok on one of them, both at TICK_5"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        return None if (BIN / "memmon").exists() else "superlance is not installed"

    def start(self) -> None:
        """Start it."""
        (port,) = free_ports(1)
        lines = [
            "[supervisord]",
            "nodaemon = true",
            f"logfile = {self.folder}/supervisord.log",
            f"pidfile = {self.folder}/supervisord.pid",
            "[unix_http_server]",
            f"file = {self.folder}/sock",
            "[supervisorctl]",
            f"serverurl = unix://{self.folder}/sock",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for name in PROGRAMS:
            words = [*self.idle_command(name), *([str(port)] if name == PROGRAMS[0] else [])]
            lines += [f"[program:{name}]", f"command = {' '.join(words)}"]
        url = f"http://127.0.0.1:{port}/"
        listeners = {"memmon": "-a 2GB", "httpok": f"-p {PROGRAMS[0]} {url}"}
        for number, (name, words) in enumerate(listeners.items()):
            lines += [f"[eventlistener:{name}]", f"command = {BIN / name} {words}"]
            lines += ["events = TICK_5", f"priority = {number}"]
        conf = self.folder / "supervisord.conf"
        conf.write_text("\n".join(lines) + "\n")
        self.run([str(BIN / "supervisord"), "-n", "-c", str(conf)])
        wait_for(lambda: self.ready() and len(self.pids()) == 1 + len(listeners), self.name)
