"""`podkeeper render`: what is supervisord told, and is that what stands in the runtime folder?"""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper import atomic, start
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.errors import PlanError, RenderError
from podkeeper.reload import as_started
from podkeeper.render import FILE_NAME, supervisord_conf
from podkeeper.settings import plan as plans
from podkeeper.settings.digest import with_digests
from podkeeper.settings.load import load
from podkeeper.settings.private import private_environment
from podkeeper.settings.programs import make_plan

if TYPE_CHECKING:
    import argparse

    from podkeeper.settings.plan import Plan

NAME = "render"
HELP = "Print the supervisord configuration that these settings come to, or compare it."
#: Stands for the start's id where nothing was started, so that equal settings give equal texts.
NOT_STARTED = "not-started"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit 1 if the configuration in the runtime folder is another",
    )
    parser.add_argument(
        "--diff", action="store_true", help="print the way from that configuration to this one"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write into a file, in one step"
    )
    settings_arguments(parser)


def _running(path: Path) -> Plan | None:
    """Return the plan of the last start there, or None where there was none of this version."""
    try:
        return plans.read(path)
    except PlanError:
        return None


def _plan(options: argparse.Namespace) -> Plan:
    source = source_of(options)
    settings = load(source).settings
    around = start.surroundings(settings, source.environ)
    running = _running(around.runtime_dir / plans.FILE_NAME)
    if running is None:
        around = dataclasses.replace(around, run_id=NOT_STARTED)
    else:
        around = as_started(around, running)
    plan = make_plan(settings, around)
    if running is None:
        return plan
    environments = private_environment(settings, source.environ, plan)
    try:
        return with_digests(plan, environments, start.digest_key(running))
    except PlanError:
        return plan


def _standing(path: Path) -> str | None:
    """Return the configuration that stands in a file, or None where there is no file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"cannot read {path}: {error}") from error


def _compare(options: argparse.Namespace, text: str, path: Path) -> int:
    standing = _standing(path)
    if options.diff:
        lines = (standing or "").splitlines(keepends=True), text.splitlines(keepends=True)
        sys.stdout.writelines(difflib.unified_diff(*lines, str(path), "these settings"))
    if standing == text or not options.check:
        return os.EX_OK
    cause = "differs from what these settings come to" if standing else "does not exist"
    print(f"podkeeper: {path} {cause}", file=sys.stderr)
    return 1


def _write(path: Path, text: str) -> None:
    try:
        atomic.write(path, text, mode=0o600)
    except OSError as error:
        raise RenderError(f"cannot write {path}: {error.strerror}") from error


def run(options: argparse.Namespace) -> int:
    """Print, compare or write the configuration.

    Raises:
        SettingsError: The settings are bad.
        RenderError: A value cannot be rendered, or the file cannot be written.
        PlanError: What stands in the runtime folder cannot be read.
    """
    plan = _plan(options)
    text = supervisord_conf(plan)
    if options.output is not None:
        _write(options.output, text)
    if options.check or options.diff:
        return _compare(options, text, Path(plan.runtime_dir) / FILE_NAME)
    if options.output is None:
        sys.stdout.write(text)
    return os.EX_OK
