"""What has to lie in the runtime folder before supervisord can start?

Covers: from settings to plan, configuration and private environments, all checked before anything
is written and all written before anything is started.
Leaves out: whether this machine can run it (`preflight`), starting (`cli.up`, `cli.entrypoint`),
the texts themselves (`render`, `settings`).
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper import atomic, extension, preflight, render
from podkeeper.errors import PlanError, StartError
from podkeeper.model.change import NEXT
from podkeeper.probes import cgroup, cpu
from podkeeper.settings import folders
from podkeeper.settings import plan as plans
from podkeeper.settings.digest import KEY_BYTES, with_digests
from podkeeper.settings.given import given
from podkeeper.settings.listening import REMEDY, VARIABLE, exposure
from podkeeper.settings.load import load
from podkeeper.settings.private import base_environment, private_environment, webui_names
from podkeeper.settings.programs import Surroundings, make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.given import Given
    from podkeeper.settings.load import Source
    from podkeeper.settings.plan import Plan
    from podkeeper.settings.schema import Settings


#: Beside the programs' private variables: with what was started, and the key of the digests.
GIVEN_NAME, KEY_NAME = "start.json", "digest.key"


@dataclass(frozen=True)
class Prepared:
    """A start that only needs its supervisord."""

    plan: Plan
    conf_path: Path
    #: What supervisord itself is started with; nothing secret is in it.
    environment: dict[str, str]
    #: What people should know of it beside the limits, one line each.
    said: tuple[str, ...] = ()


def _homes(*users: str) -> dict[str, str]:
    """Return the home folders of those users that there are; `preflight` refuses the others."""
    return {each.pw_name: each.pw_dir for each in pwd.getpwall() if each.pw_name in users}


def _quota_cores() -> float | None:
    """Return the processor quota where it is what binds."""
    found = cpu.quota()
    return found.cores if found is not None and found.cores < cpu.affinity_cores() else None


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
        homes=_homes(settings.webui.user, settings.handler.user),
        cpu_quota_cores=_quota_cores(),
        webui_given=webui_names(settings, environ),
    )


def _make_folder(path: Path, mode: int) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid():
            path.chmod(mode)
        elif os.geteuid() != 0:
            raise StartError(f"cannot use {path}: it belongs to somebody else")
    except OSError as error:
        raise StartError(f"cannot make {path}: {error.strerror}") from error


def write_private(plan: Plan, environments: Mapping[str, dict[str, str]], folder: Path) -> None:
    """Write each program's private variables where only its user can read them."""
    for program in plan.programs:
        if program.private_environment is None:
            continue
        path = folder / Path(program.private_environment).name
        atomic.write(path, json.dumps(environments.get(program.name, {})), mode=0o600)
        if program.user and os.geteuid() == 0:
            os.chown(path, pwd.getpwnam(program.user).pw_uid, -1)


def write_given(given: Given, folder: Path) -> None:
    """Write with what the worker was started, as private as the variables in it."""
    atomic.write(folder / GIVEN_NAME, msgspec.json.encode(given), mode=0o600)


def digest_key(plan: Plan) -> bytes:
    """Return the key of this start's digests.

    Raises:
        PlanError: There is none: nothing was started there, or by another version.
    """
    try:
        return (Path(plan.runtime_dir) / "private" / KEY_NAME).read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read the key of this start: {error.strerror}") from error


def refuse_exposure(
    settings: Settings, plan: Plan, environments: Mapping[str, dict[str, str]]
) -> None:
    """Refuse what would open the WebUI and came by a variable that is merely passed on."""
    for program in plan.of_role("webui"):
        added = environments.get(program.name, {}).get(VARIABLE, "")
        found = exposure(settings.webui.command, added)
        if found is not None and not settings.webui.allow_listen:
            raise StartError(
                f"cannot start {program.name}: {VARIABLE} = {added!r}: {found}; {REMEDY}"
            )


def _give_to_handler(plan: Plan) -> None:
    """Make the handler's folders its user's, where that is another one than ours."""
    for program in plan.of_role("handler"):
        if program.user:
            for folder in (plan.work_path.parent, plan.handler_state_path):
                os.chown(folder, pwd.getpwnam(program.user).pw_uid, -1)


def _make_state_folders(plan: Plan) -> None:
    """Make the folders that outlive a start; a handler of another user can pass to its own."""
    other = any(program.user for program in plan.of_role("handler"))
    _make_folder(Path(plan.state_dir), 0o711 if other else 0o700)
    _make_folder(plan.handler_state_path, 0o700)


def prepare(source: Source, environ: Mapping[str, str]) -> Prepared:
    """Make everything ready for one start.

    Raises:
        SettingsError: A setting is bad; nothing was written.
        RenderError: A value cannot be written into supervisord's configuration; nothing was.
        StartError: This machine cannot run it: a port is taken, a folder not ours, a worker runs.
    """
    settings = load(source).settings
    plan = make_plan(settings, surroundings(settings, environ))
    environments = private_environment(settings, environ, plan)
    key = secrets.token_bytes(KEY_BYTES)
    plan = with_digests(plan, environments, key)
    text = render.supervisord_conf(plan)
    preflight.check(plan)
    refuse_exposure(settings, plan, environments)
    # Programs that run as other users must be able to pass through, not to list.
    shared = any(program.user for program in plan.programs)
    folder = Path(plan.runtime_dir)
    _make_folder(folder, 0o711 if shared else 0o700)
    _make_folder(folder / "private", 0o711 if shared else 0o700)
    _make_folder(plan.work_path.parent, 0o755)
    _make_state_folders(plan)
    _give_to_handler(plan)
    if settings.logs.dir:
        _make_folder(Path(settings.logs.dir), 0o750)
    try:
        private = folder / "private"
        write_private(plan, environments, private)
        write_given(given(source, settings, environ, str(Path.cwd())), private)
        atomic.write(private / KEY_NAME, key, mode=0o600)
        shutil.rmtree(folder / NEXT, ignore_errors=True)
        plan.snapshot_path.unlink(missing_ok=True)
        plans.write(plan)
        conf_path = folder / render.FILE_NAME
        atomic.write(conf_path, text, mode=0o600)
    except OSError as error:
        raise StartError(f"cannot write into {folder}: {error.strerror}") from error
    said = tuple(extension.settle(plan))
    return Prepared(plan, conf_path, base_environment(settings, environ), said)
