"""`podkeeper status`: how the worker is."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import ask, find_plan
from podkeeper.console import text
from podkeeper.console.report import Level
from podkeeper.errors import PlanError, SupervisordError

if TYPE_CHECKING:
    import argparse

NAME = "status"
HELP = "Show how the worker is. Exit code: 0 ok, 1 warning, 2 failed."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--json", action="store_true", help="for machines")
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the report and return its level as exit code."""
    try:
        report = ask(find_plan(source_of(options)))
    except (PlanError, SupervisordError) as error:
        if options.json:
            failed = {"level": "failed", "findings": [str(error)], "ready": False}
            print(msgspec.json.encode(failed).decode())
        else:
            print(f"podkeeper: no worker runs: {error}", file=sys.stderr)
        return int(Level.FAILED)
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        print(text.status(report, colour=sys.stdout.isatty()))
    return report.exit_code
