"""supervisord with an event listener that looks at memory at each tick."""

from __future__ import annotations

from bench.common.machine import ROOT
from bench.enforce.peers.base import LIMIT_MIB, Peer

BIN = ROOT / ".tools" / "peers" / "bin"


class Listener(Peer):
    """Stock supervisord and one listener."""

    listener = ""
    tick = "TICK_5"

    def missing(self) -> str | None:
        """Return why it cannot take part, or None."""
        command = self.listener.partition(" ")[0]
        return None if (BIN / command).exists() else f"{command} is not installed"

    def start(self) -> None:
        """Start it."""
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
            "[program:hog]",
            f"command = {' '.join(self.command())}",
            "autorestart = true",
            "[eventlistener:memory]",
            f"command = {BIN}/{self.listener}",
            f"events = {self.tick}",
        ]
        conf = self.write("supervisord.conf", "\n".join(lines) + "\n")
        self.run([str(BIN / "supervisord"), "-n", "-c", str(conf)])


class Memmon(Listener):
    """superlance's memmon, as often as it can look."""

    name = "memmon, TICK_5"
    setting = f"superlance, memmon -p hog={LIMIT_MIB}MB"
    listener = f"memmon -p hog={LIMIT_MIB}MB"


class Memmon60(Memmon):
    """superlance's memmon as its documentation sets it up."""

    name = "memmon, TICK_60"
    tick = "TICK_60"
    window_s = 60.0
    aside = "takes up to a minute a trial; --only with its name runs it"


class SupervisorChecks(Listener):
    """supervisor_checks' memory check."""

    name = "supervisor_checks, TICK_5"
    setting = f"supervisor_memory_check -n memory -g hog -m {LIMIT_MIB * 1024}"
    listener = f"supervisor_memory_check -n memory -g hog -m {LIMIT_MIB * 1024}"
