"""`podkeeper up`: the worker in the foreground."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from podkeeper import start
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.console.limits import limits

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

NAME = "up"
HELP = "Start the worker and stay in the foreground; Ctrl-C drains and stops it."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    settings_arguments(parser)


def announce(prepared: start.Prepared) -> None:
    """Say what is about to run, with every limit that will be enforced."""
    plan = prepared.plan
    names = ", ".join(each.name for each in plan.programs)
    lines = [f"podkeeper {plan.version}: {names}; files in {plan.runtime_dir}"]
    for line in [*lines, *limits(plan), *prepared.said]:
        print(line, file=sys.stderr, flush=True)


def supervisord_command(prepared: start.Prepared) -> list[str]:
    """Return the command line of this start's supervisord, in our own interpreter."""
    command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c"]
    return [*command, str(prepared.conf_path)]


def become(command: Sequence[str], environment: dict[str, str]) -> int:
    """Replace this process by a command; return only if that is not possible."""
    try:
        os.execvpe(command[0], list(command), environment)  # noqa: S606 - no shell is the point
    except OSError as error:
        print(f"podkeeper: cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        return 127


def run(options: argparse.Namespace) -> int:
    """Prepare the start and become supervisord."""
    prepared = start.prepare(source_of(options), os.environ)
    announce(prepared)
    return become(supervisord_command(prepared), prepared.environment)
