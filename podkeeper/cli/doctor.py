"""`podkeeper doctor`: what stands in the way of the worker, and how is it mended?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.doctor import examine, text
from podkeeper.doctor.scene import Scene
from podkeeper.errors import PlanError, SupervisordError
from podkeeper.settings import folders
from podkeeper.settings import plan as plans
from podkeeper.settings.load import load
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    import argparse

    from podkeeper.settings.load import Source

NAME = "doctor"
HELP = "Check the worker and the machine, changing nothing. Exit code: 0 ok, 1 warning, 2 failed."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--json", action="store_true", help="for machines")
    settings_arguments(parser)


def scene_of(source: Source) -> Scene:
    """Return what there is to look at: a worker that runs, what it left, or the machine alone.

    Raises:
        SettingsError: The settings, which say where, are bad.
    """
    settings = load(source).settings
    state_dir = folders.state_dir(settings, os.environ)
    try:
        plan = plans.read(folders.runtime_dir(settings, os.environ) / plans.FILE_NAME)
    except PlanError as error:
        return Scene(settings, state_dir, obstacle=str(error), environ=os.environ)
    state_dir = plan.ledger_path.parent
    try:
        programs = Supervisord(plan.socket_path).programs()
    except SupervisordError as error:
        return Scene(settings, state_dir, plan, obstacle=str(error), environ=os.environ)
    pids = {each.name: each.pid for each in programs if each.pid}
    return Scene(settings, state_dir, plan, pids, environ=os.environ)


def run(options: argparse.Namespace) -> int:
    """Print what all checks found and return the worst level as exit code."""
    found = examine(scene_of(source_of(options)))
    if options.json:
        content = {"level": found.level.name.lower(), "checks": found.checks}
        print(msgspec.json.format(msgspec.json.encode(content)).decode())
    else:
        print(text.examination(found.level.name, found.checks, colour=sys.stdout.isatty()))
    return int(found.level)
