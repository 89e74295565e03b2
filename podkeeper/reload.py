"""What would the present settings change in the worker that runs, and how does it lie ready?

Covers: all checks, the difference, and the files beside the ones in use. Nothing that runs notices
until the keeper puts them into place (`podkeeper.loops.desk`).
"""

from __future__ import annotations

import dataclasses
import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper import atomic, extension, preflight, render, start
from podkeeper.errors import PlanError, StartError
from podkeeper.model import change
from podkeeper.model.change import Change
from podkeeper.policy import orders
from podkeeper.settings import plan as plans
from podkeeper.settings.digest import with_digests
from podkeeper.settings.given import Given, again, given
from podkeeper.settings.load import load
from podkeeper.settings.private import private_environment
from podkeeper.settings.programs import Surroundings, make_plan

if TYPE_CHECKING:
    from podkeeper.settings.load import Source
    from podkeeper.settings.plan import Plan

_log = logging.getLogger("podkeeper")
_PROGRAM_KINDS = ("program:", "eventlistener:")
_READ = (
    "import sys; from supervisor.options import ServerOptions;"
    " ServerOptions().realize(args=['-c', sys.argv[1]])"
)
_READ_WAIT_S = 60.0


def as_started(around: Surroundings, running: Plan) -> Surroundings:
    """Return the surroundings of a start that was: what differs then is due to settings alone."""
    return dataclasses.replace(
        around,
        run_id=running.run_id,
        made_at_s=running.made_at_s,
        version=running.version,
        python=running.python,
        superuser=running.superuser,
        cpu_quota_cores=running.cpu_quota_cores,
        directory=running.program("keeper").directory,
        platform_named=not running.of_role("platform"),
    )


def sections(text: str) -> dict[str, list[str]]:
    """Return the lines of each section of a configuration, comments and empty lines left out."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]"):
            name = line[1:-1]
        elif line.strip() and not line.startswith(";"):
            found.setdefault(name, []).append(line)
    return found


def _watched(plan: Plan) -> object:
    """Return what the watchdog makes of a plan."""
    kept = plan.settings
    return (
        [kept.watchdog, kept.keeper, kept.memory, kept.logs, kept.webui, kept.extension],
        [
            (each.name, each.role, each.readiness_url, each.memory_soft_bytes, each.stop_wait_s)
            for each in plan.programs
        ],
    )


def difference(before: tuple[Plan, str], after: tuple[Plan, str]) -> Change:
    """Return what a plan and its configuration change against those in use."""
    old, new = sections(before[1]), sections(after[1])
    names = {
        each: each.partition(":")[2] for each in {*old, *new} if each.startswith(_PROGRAM_KINDS)
    }
    differing = sorted(each for each in {*old, *new} if old.get(each) != new.get(each))
    changed = [names[each] for each in differing if each in names and each in old and each in new]
    added = [names[each] for each in differing if each in names and each not in old]
    removed = [names[each] for each in differing if each in names and each not in new]
    fixed = [f"[{each}]" for each in differing if names.get(each, orders.KEEPER) == orders.KEEPER]
    reread = [orders.KEEPER] if before[0] != after[0] or differing else []
    if _watched(before[0]) != _watched(after[0]) and "watchdog" not in changed:
        reread.insert(0, "watchdog")
    changed = [each for each in changed if each != orders.KEEPER]
    return Change(
        added=added,
        changed=changed,
        removed=removed,
        reread=reread,
        not_reloaded=fixed,
        disturbs=any(orders.disturbs(each) for each in [*changed, *removed]),
    )


def _kept(running: Plan) -> Given:
    path = Path(running.runtime_dir) / "private" / start.GIVEN_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Given)
    except (OSError, msgspec.MsgspecError) as error:
        raise PlanError(f"cannot read what the worker was started with: {error}") from error


def _refuse_other_folders(plan: Plan, running: Plan) -> None:
    for name in ("runtime_dir", "state_dir"):
        if getattr(plan, name) != getattr(running, name):
            raise StartError(f"cannot reload: worker.{name} changes; stop the worker and start it")


def _refuse_unreadable(path: Path) -> None:
    """Let supervisor's own parser read the configuration, in a process of its own."""
    command = [sys.executable, "-P", "-c", _READ, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=_READ_WAIT_S
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[:1]
        raise StartError(f"cannot reload: supervisord would refuse it: {' '.join(said)}")


def make_ready(asked: Source, running: Plan) -> Change:
    """Check the present settings and lay ready what they change; nothing in use is touched.

    Raises:
        SettingsError: A setting is bad.
        RenderError: A value cannot be written into supervisord's configuration.
        StartError: This machine cannot run it, or a reload cannot bring it about.
        PlanError: What runs was not started by this version of podkeeper.
    """
    kept = _kept(running)
    source = again(kept, asked)
    environ = dict(source.environ)
    settings = load(source).settings
    plan = make_plan(settings, as_started(start.surroundings(settings, environ), running))
    _refuse_other_folders(plan, running)
    environments = private_environment(settings, environ, plan)
    plan = with_digests(plan, environments, start.digest_key(running))
    text = render.supervisord_conf(plan)
    preflight.check_change(plan, running)
    start.refuse_exposure(settings, plan, environments)
    folder = Path(running.runtime_dir)
    found = difference((running, (folder / render.FILE_NAME).read_text()), (plan, text))
    ready = folder / change.NEXT
    try:
        shutil.rmtree(ready, ignore_errors=True)
        (ready / "private").mkdir(parents=True, mode=0o700)
        conf = ready / render.FILE_NAME
        atomic.write(conf, text, mode=0o600)
        _refuse_unreadable(conf)
        start.write_private(plan, environments, ready / "private")
        start.write_given(given(source, settings, environ, kept.directory), ready / "private")
        atomic.write(ready / plans.FILE_NAME, plans.dump(plan), mode=0o644)
        # Last: what is read first has to find the rest.
        atomic.write(ready / change.FILE_NAME, change.dump(found), mode=0o600)
    except OSError as error:
        raise StartError(f"cannot write into {ready}: {error.strerror}") from error
    for line in extension.settle(plan):
        _log.warning("%s", line)
    return found
