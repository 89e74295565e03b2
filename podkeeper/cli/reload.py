"""`podkeeper reload`: bring changed settings into force."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from podkeeper import reload
from podkeeper.cli import ordering
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan
from podkeeper.policy.orders import Name

if TYPE_CHECKING:
    import argparse

NAME = "reload"
HELP = "Bring changed settings into force. Only what they change is restarted, and no job is cut."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--now", action="store_true", help="do not wait for the jobs in hand")
    ordering.wait_arguments(parser, "the new settings are in force")
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Check the settings, lay the new configuration ready and have the keeper put it into place.

    Raises:
        PodkeeperError: Something is wrong; nothing changes.
    """
    asked = source_of(options)
    plan = find_plan(asked)
    found = reload.make_ready(asked, plan)
    for section in found.not_reloaded:
        print(f"podkeeper: {section} changes at the next start of the worker", file=sys.stderr)
    print(found.in_words())
    if found.empty:
        return 0
    number = ordering.give(plan, Name.RELOAD_NOW if options.now else Name.RELOAD)
    return ordering.wait(plan, number, ordering.is_done, options.timeout) if options.wait else 0
