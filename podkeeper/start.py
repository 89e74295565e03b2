"""What has to lie in the runtime folder before supervisord can start?

Covers: from settings to plan, configuration and private environments, all checked before anything
is written and all written before anything is started.
Leaves out: starting (`cli.up`, `cli.entrypoint`), the texts themselves (`render`, `settings`).
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import socket
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper import atomic, render
from podkeeper.errors import StartError, SupervisordError
from podkeeper.probes import cgroup
from podkeeper.settings import folders
from podkeeper.settings import plan as plans
from podkeeper.settings.load import load
from podkeeper.settings.private import base_environment, private_environment
from podkeeper.settings.programs import Surroundings, make_plan
from podkeeper.supervisord import Supervisord
from podkeeper.units import format_size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from podkeeper.settings.load import Source
    from podkeeper.settings.plan import Plan
    from podkeeper.settings.schema import Settings


@dataclass(frozen=True)
class Prepared:
    """A start that only needs its supervisord."""

    plan: Plan
    conf_path: Path
    #: What supervisord itself is started with; nothing secret is in it.
    environment: dict[str, str]


def surroundings(settings: Settings, environ: Mapping[str, str]) -> Surroundings:
    """Return what a plan needs to know of this machine.

    Raises:
        StartError: The machine does not say how much memory there is.
    """
    capacity_bytes = cgroup.memory_capacity(environ)
    if capacity_bytes is None:
        raise StartError("cannot plan memory: neither cgroup nor /proc/meminfo gives its size")
    return Surroundings(
        python=sys.executable,
        directory=str(Path.cwd()),
        runtime_dir=folders.runtime_dir(settings, environ),
        state_dir=folders.state_dir(settings, environ),
        memory_capacity_bytes=capacity_bytes,
        platform_named=bool(environ.get("RUNPOD_WEBHOOK_GET_JOB")),
        version=version("podkeeper"),
        run_id=secrets.token_hex(8),
        made_at_s=time.time(),
        superuser=os.geteuid() == 0,
    )


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


def _refuse_taken_ports(plan: Plan) -> None:
    for name, address, port in _addresses(plan):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                where = f"{address}:{port}"
                raise StartError(
                    f"cannot start: {name} = {port}: {where} cannot be used: {error.strerror}"
                ) from error


def _make_folder(path: Path, mode: int) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid():
            path.chmod(mode)
        elif os.geteuid() != 0:
            raise StartError(f"cannot use {path}: it belongs to somebody else")
    except OSError as error:
        raise StartError(f"cannot make {path}: {error.strerror}") from error


def _write_private(plan: Plan, environments: Mapping[str, dict[str, str]]) -> None:
    """Write each program's private variables where only its user can read them."""
    for program in plan.programs:
        if program.private_environment is None:
            continue
        path = Path(program.private_environment)
        atomic.write(path, json.dumps(environments.get(program.name, {})), mode=0o600)
        if program.user and os.geteuid() == 0:
            os.chown(path, pwd.getpwnam(program.user).pw_uid, -1)


def _refuse_unknown_users(plan: Plan) -> None:
    for program in plan.programs:
        if program.user:
            try:
                pwd.getpwnam(program.user)
            except KeyError:
                setting = f"{program.role}.user = {program.user!r}"
                raise StartError(f"cannot start: {setting}: no such user") from None


def prepare(source: Source, environ: Mapping[str, str]) -> Prepared:
    """Make everything ready for one start.

    Raises:
        SettingsError: A setting is bad; nothing was written.
        RenderError: A value cannot be written into supervisord's configuration; nothing was.
        StartError: This machine cannot run it: a port is taken, a folder not ours, a worker runs.
    """
    settings = load(source).settings
    plan = make_plan(settings, surroundings(settings, environ))
    text = render.supervisord_conf(plan)
    _refuse_second(plan)
    _refuse_unknown_users(plan)
    _refuse_taken_ports(plan)
    # Programs that run as other users must be able to pass through, not to list.
    shared = any(program.user for program in plan.programs)
    folder = Path(plan.runtime_dir)
    _make_folder(folder, 0o711 if shared else 0o700)
    _make_folder(folder / "private", 0o711 if shared else 0o700)
    _make_folder(Path(plan.state_dir), 0o700)
    if settings.logs.dir:
        _make_folder(Path(settings.logs.dir), 0o750)
    try:
        _write_private(plan, private_environment(settings, environ, plan))
        plan.snapshot_path.unlink(missing_ok=True)
        plans.write(plan)
        conf_path = folder / render.FILE_NAME
        atomic.write(conf_path, text, mode=0o600)
    except OSError as error:
        raise StartError(f"cannot write into {folder}: {error.strerror}") from error
    return Prepared(plan, conf_path, base_environment(settings, environ))


def limits(plan: Plan) -> list[str]:
    """Return every limit that will be enforced, in words, one line each."""
    budget, capacity = plan.memory_budget_bytes, plan.memory_capacity_bytes
    lines = [f"memory: {format_size(budget)} to plan with, of {format_size(capacity)}"]
    for program in plan.programs:
        soft, hard = program.memory_soft_bytes, program.memory_hard_bytes
        if soft is not None and hard is not None:
            lines.append(
                f"{program.name}: memory soft above {format_size(soft)} ({soft} bytes),"
                f" restarted above {format_size(hard)} ({hard} bytes)"
            )
    return lines
