"""`podkeeper incidents`: what went wrong, why, and what was done."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan, incidents_of
from podkeeper.console import text

if TYPE_CHECKING:
    import argparse

NAME = "incidents"
HELP = "List incidents, newest first, or show one."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("what", nargs="?", choices=["list", "show"], default="list")
    parser.add_argument("number", nargs="?", type=int, help="the incident to show")
    parser.add_argument("--all", action="store_true", help="of former starts, too")
    parser.add_argument("--limit", type=int, default=50, help="at most so many (default: 50)")
    parser.add_argument("--json", action="store_true", help="for machines")
    settings_arguments(parser)


def _print(found: Any, shown: str, *, as_json: bool) -> None:
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if as_json else shown)


def run(options: argparse.Namespace) -> int:
    """Print the list, or one incident; exit code 1 where there is no such incident."""
    every = options.all or options.what == "show"
    found = incidents_of(find_plan(source_of(options)), all_starts=every)
    if options.what == "list":
        shown = found[: options.limit]
        _print(shown, text.incidents(shown), as_json=options.json)
        return 0
    if options.number is None:
        print("podkeeper: incidents show needs the number of an incident", file=sys.stderr)
        return 2
    for incident in found:
        if incident.id == options.number:
            _print(incident, text.incident(incident), as_json=options.json)
            return 0
    print(f"podkeeper: there is no incident {options.number}", file=sys.stderr)
    return 1
