"""How does the simulated WebUI start and end?

Its settings are those of `conf/defaults.toml` [sim_webui], in this order, the last one winning: the
plan that PODKEEPER_PLAN names, or else the files and variables that every command of podkeeper
reads; then the variables PODKEEPER_SIM_WEBUI__NAME of this process's own environment.

SIGTERM closes the port at once and lets running and waiting jobs end, then the signal takes its
course. With `--ui` it ends the process at once. Both are the real server's ways.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from podkeeper import logs
from podkeeper.errors import PodkeeperError
from podkeeper.sim.webui.app import make_app
from podkeeper.sim.webui.chosen import choose
from podkeeper.sim.webui.faults import KINDS, DieAtStart, NeverReady
from podkeeper.sim.webui.sim_page import WHAT
from podkeeper.sim.webui.world import Flags, World, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_log = logging.getLogger("sim.webui")
_KEEP_ALIVE_S = 30


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; the flags are called as the real server's are."""
    faults = "; ".join(f"{name}: {kind.__doc__}" for name, kind in KINDS.items())
    made = argparse.ArgumentParser(
        "python -m podkeeper.sim.webui",
        description=f"This is a simulator. {WHAT}",
        epilog=f"Settings: [sim_webui] of podkeeper's settings. Faults: {faults}",
    )
    made.add_argument("--port", type=int, default=7861, help="port to listen on (7861)")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    made.add_argument("--ui", action="store_true", help="behave as with the web page: ping route")
    made.add_argument("--api-server-stop", action="store_true", help="have the server-… routes")
    made.add_argument("--ui-settings-file", type=Path, help="keep options in this file")
    return made


class _UndrainedServer(uvicorn.Server):
    """A server that a signal ends at once, as the real one is with its web page."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGTERM its default, and end with exit code 0 on SIGINT."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, lambda *_: os._exit(0))
        yield


def _before_the_port(world: World) -> int | None:
    """Wait as long as a start takes; return an exit code where the start fails."""
    die = world.faults.get(DieAtStart)
    if die is not None:
        _log.error("the fault die_at_start ends this process with exit code %d", die.exit_code)
        return die.exit_code
    ready = world.faults.get(NeverReady)
    while ready is not None and ready.mode == "closed":
        signal.pause()
    time.sleep(world.settings.start_s * world.start_factor)
    return None


def serve(world: World, host: str, port: int) -> None:
    """Serve until a signal or a route ends it."""
    config = uvicorn.Config(
        make_app(world),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    server = (_UndrainedServer if world.flags.ui else uvicorn.Server)(config)
    world.stop = lambda: setattr(server, "should_exit", True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if server.force_exit:
        # A second SIGINT does not wait for the jobs, whose threads would hold the process.
        os._exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator and return its exit code."""
    chosen = parser().parse_args(arguments)
    try:
        settings = choose(os.environ)
        flags = Flags(chosen.ui, chosen.api_server_stop, chosen.ui_settings_file)
        baseline_s = settings.extension.baseline_s
        world = make_world(settings.sim_webui, flags, baseline_s=baseline_s)
    except PodkeeperError as error:
        sys.stderr.write(f"sim.webui: {error}\n")
        return error.exit_code
    logs.set_up(settings.logs.level)
    _log.warning("this is a simulator of a WebUI on %s:%d", chosen.host, chosen.port)
    code = _before_the_port(world)
    if code is None:
        serve(world, chosen.host, chosen.port)
    return code or 0
