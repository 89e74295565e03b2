"""Can this machine run a plan?

Covers: what would otherwise fail one by one after the start, in programs that then restart again
and again: missing commands and libraries, unknown users, ports that are taken, a worker that
already runs.
Leaves out: whether the settings make sense (`settings`).
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.errors import StartError, SupervisordError
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from podkeeper.settings.plan import Plan

#: Our own programs, the libraries each needs beside podkeeper's own, and the extra with them.
_NEEDS = {
    "handler": (("runpod", "requests"), "handler"),
    "podkeeper.sim.platform": (("starlette", "uvicorn"), "sim"),
    "podkeeper.sim.webui": (("starlette", "uvicorn", "PIL"), "sim"),
}


def check(plan: Plan) -> None:
    """Return if the plan can be run here.

    Raises:
        StartError: It cannot; the message says what is in the way and what to do.
    """
    _refuse_missing_commands(plan)
    _refuse_missing_libraries(plan)
    _refuse_unknown_users(plan)
    _refuse_second(plan)
    _refuse_taken_ports(plan)


def check_change(plan: Plan, running: Plan) -> None:
    """Return if a worker that runs can be brought to another plan.

    Raises:
        StartError: It cannot; the message says what is in the way and what to do.
    """
    _refuse_missing_commands(plan)
    _refuse_missing_libraries(plan)
    _refuse_unknown_users(plan)
    _refuse_taken_ports(plan, {(address, port) for _, address, port in _addresses(running)})


def _refuse_missing_libraries(plan: Plan) -> None:
    for program in plan.programs:
        # Another interpreter has libraries of its own, which only it can tell of.
        own = program.command[0] == plan.python
        module = next((word for word in program.command if word in _NEEDS), None)
        if not own or module is None:
            continue
        libraries, extra = _NEEDS[module]
        missing = [name for name in libraries if find_spec(name) is None]
        if missing:
            raise StartError(
                f"cannot start {program.name}: {', '.join(missing)} is not installed;"
                f" pip install 'podkeeper[{extra}]'"
            )


def _refuse_missing_commands(plan: Plan) -> None:
    for program in plan.programs:
        folder = Path(program.directory)
        if not folder.is_dir():
            setting = f"{program.role}.directory = {program.directory!r}"
            raise StartError(f"cannot start {program.name}: {setting}: no such folder")
        word = program.command[0]
        # As execvp finds it: a name on the path, or a path, which is relative to the folder.
        found = folder / word if "/" in word else shutil.which(word)
        if found is None or not os.access(found, os.X_OK):
            setting = f"{program.role}.command begins with {word!r}"
            raise StartError(f"cannot start {program.name}: {setting}: no such program")


def _refuse_unknown_users(plan: Plan) -> None:
    for program in plan.programs:
        if program.user:
            try:
                pwd.getpwnam(program.user)
            except KeyError:
                setting = f"{program.role}.user = {program.user!r}"
                raise StartError(f"cannot start: {setting}: no such user") from None


def _refuse_second(plan: Plan) -> None:
    if not plan.socket_path.exists():
        return
    try:
        Supervisord(plan.socket_path, timeout_s=2).is_running()
    except SupervisordError:
        return  # a socket that a dead supervisord left behind
    raise StartError(
        f"cannot start: a worker already runs in {plan.runtime_dir};"
        " stop it, or set worker.runtime_dir to another folder"
    )


def _addresses(plan: Plan) -> Iterator[tuple[str, str, int]]:
    settings = plan.settings
    for index in range(settings.webui.instances):
        yield "webui.port", "127.0.0.1", settings.webui.port + index
    yield "watchdog.port", settings.watchdog.address, settings.watchdog.port
    if plan.of_role("platform"):
        yield "platform.port", settings.platform.address, settings.platform.port


def _refuse_taken_ports(plan: Plan, ours: Collection[tuple[str, int]] = frozenset()) -> None:
    for name, address, port in _addresses(plan):
        if (address, port) in ours:
            continue
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            # As the programs themselves bind: a port that was just given up is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise StartError(
                    f"cannot start: {name} = {port}: {address}:{port} cannot be used:"
                    f" {error.strerror}"
                ) from error
