"""`podkeeper explain`: what happened in one incident, and why podkeeper did what it did."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan, incidents_of
from podkeeper.console.explain import explain

if TYPE_CHECKING:
    import argparse

NAME = "explain"
HELP = "Tell the story of one incident: what was seen, by which rule it was decided, what was done."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("number", type=int, help="the incident, as `podkeeper incidents` shows it")
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print the story; exit code 1 where there is no such incident."""
    for incident in incidents_of(find_plan(source_of(options)), all_starts=True):
        if incident.id == options.number:
            print(explain(incident))
            return 0
    print(f"podkeeper: there is no incident {options.number}", file=sys.stderr)
    return 1
