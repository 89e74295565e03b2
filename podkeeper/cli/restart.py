"""`podkeeper restart`: restart one program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from podkeeper.cli import ordering
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan
from podkeeper.policy.orders import Name

if TYPE_CHECKING:
    import argparse

NAME = "restart"
HELP = "Restart one program. It is no incident and is not taken off its restart budget."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("program", help="its name, as `podkeeper status` shows it")
    parser.add_argument(
        "--when-idle",
        action="store_true",
        help="take no more jobs, finish those in hand, restart it, then take jobs again",
    )
    ordering.wait_arguments(parser, "it was restarted")
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Leave the order, and wait where asked to; exit code 2 where there is no such program.

    Raises:
        PlanError: No worker was started here.
        SupervisordError: It does not run.
    """
    plan = find_plan(source_of(options))
    names = [each.name for each in plan.programs]
    if options.program not in names:
        said = f"there is no program {options.program}; there are {', '.join(names)}"
        print(f"podkeeper: {said}", file=sys.stderr)
        return 2
    name = Name.RESTART_WHEN_IDLE if options.when_idle else Name.RESTART
    number = ordering.give(plan, name, options.program)
    if options.wait:
        return ordering.wait(plan, number, ordering.is_done, options.timeout)
    print(f"{options.program} will be restarted")
    return 0
