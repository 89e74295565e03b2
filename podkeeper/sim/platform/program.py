"""How is the platform started, and from which settings?

Covers: its settings (of the plan, or loaded here), its life.
Leaves out: the command line (`options`), the server itself (`server`).
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper import logs, paths
from podkeeper.errors import Complaint, PodkeeperError, SettingsError
from podkeeper.settings import load, plan
from podkeeper.sim.platform import faults, options
from podkeeper.sim.platform.address import KEY_VARIABLE
from podkeeper.sim.platform.hub import Hub
from podkeeper.sim.platform.server import PlatformServer
from podkeeper.sim.platform.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.schema import Settings

STATE_NAME = "platform.sqlite3"
log = logging.getLogger("platform")


def _settings(given: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Settings, Path]:
    """Return the settings and the state folder: the plan's, or those that hold without one."""
    if environ.get("PODKEEPER_PLAN"):
        own = plan.read_own(environ)
        return own.settings, Path(own.state_dir)
    source = load.Source(environ=environ, config=given.config, assignments=tuple(given.set))
    settings = load.load(source).settings
    default = paths.default_state_dir(dict(environ))
    return settings, Path(settings.worker.state_dir or default)


def _fault(text: str) -> list[faults.Fault]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SettingsError(
            [Complaint("--fault", text, "command line", f"no JSON: {error}")]
        ) from error
    return faults.parse(value, "command line --fault")


def make_server(given: argparse.Namespace, environ: Mapping[str, str]) -> PlatformServer:
    """Return the platform as the command line and the environment describe it.

    Raises:
        PodkeeperError: Settings, faults or the state file are of no use.
    """
    settings, state_dir = _settings(given, environ)
    logs.set_up(settings.logs.level)
    chosen = settings.platform
    address = given.address or chosen.address
    port = chosen.port if given.port is None else given.port
    script = faults.parse(chosen.faults, "platform.faults")
    script += [fault for text in given.fault for fault in _fault(text)]
    state = given.state_file or Path(chosen.state_file or state_dir / STATE_NAME)
    # What GET /platform shows is what holds, the command line included.
    chosen = msgspec.structs.replace(chosen, address=address, state_file=str(state))
    key = environ.get(KEY_VARIABLE) or None
    hub = Hub(chosen, Store(state), key=key, faults=script)
    return PlatformServer(hub, address, port)


def run(given: argparse.Namespace) -> int:
    """Serve until a signal; return the exit code."""
    try:
        server = make_server(given, os.environ)
    except PodkeeperError as error:
        print(error, file=sys.stderr)  # noqa: T201 - before there is anything to log for
        return error.exit_code
    if server.hub.key is None:
        log.warning("%s is not set: everybody who reaches the port is let in", KEY_VARIABLE)
    log.info(
        "a stand-in for RunPod's queue, state in %s, %d jobs known",
        server.hub.store.path,
        len(server.hub.book.jobs),
    )
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 1


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(
        prog="python -m podkeeper.sim.platform",
        description="A stand-in for RunPod's serverless queue on this machine.",
    )
    options.declare(parser)
    return run(parser.parse_args())
