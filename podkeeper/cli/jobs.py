"""`podkeeper jobs`: which jobs this worker was granted, and what became of them."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan
from podkeeper.console import jobs
from podkeeper.errors import JournalError
from podkeeper.probes import moment
from podkeeper.recorders.journal_reader import JournalReader

if TYPE_CHECKING:
    import argparse

    from podkeeper.model.journal import Entry

NAME = "jobs"
HELP = "List the jobs of the journal, the newest first, or show one."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("what", nargs="?", choices=["list", "show"], default="list")
    parser.add_argument("id", nargs="?", help="the job to show, or how its id begins")
    parser.add_argument("--open", action="store_true", help="only those that have not ended")
    parser.add_argument("--limit", type=int, default=50, help="at most so many (default: 50)")
    parser.add_argument(
        "--full", action="store_true", help="with prompts and other texts; never images or keys"
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    settings_arguments(parser)


def _print(found: Any, shown: str, *, as_json: bool) -> None:
    print(msgspec.json.format(msgspec.json.encode(found)).decode() if as_json else shown)


def run(options: argparse.Namespace) -> int:
    """Print the list, or one job; exit code 1 where there is no such job."""
    path = find_plan(source_of(options)).journal_path
    if not path.is_file():
        raise JournalError(f"cannot read the journal {path}: no handler has made it yet")
    with closing(JournalReader(path)) as reader:
        found = reader.entries()
        if options.what == "show":
            return _show(reader, found, options)
    chosen = [each for each in found if each.open or not options.open][: options.limit]
    _print(chosen, jobs.listed(chosen, moment.now()), as_json=options.json)
    return 0


def _show(reader: JournalReader, found: list[Entry], options: argparse.Namespace) -> int:
    if not options.id:
        print("podkeeper: jobs show needs the id of a job", file=sys.stderr)
        return 2
    meant = [each for each in found if each.id == options.id]
    meant = meant or [each for each in found if each.id.startswith(options.id)]
    if len(meant) != 1:
        what = "several jobs have" if meant else "no job has"
        print(f"podkeeper: {what} an id that begins with {options.id}", file=sys.stderr)
        return 1
    raw = reader.job(meant[0].id)
    given = None if raw is None else _input(raw, full=options.full)
    whole = {"entry": meant[0], "input": given}
    _print(whole, jobs.job(meant[0], moment.now(), given), as_json=options.json)
    return 0


def _input(raw: bytes, *, full: bool) -> dict[str, Any]:
    given = msgspec.json.decode(raw).get("input")
    fields = given if isinstance(given, dict) else {"input": given}
    shown: dict[str, Any] = jobs.hidden(fields, full=full)
    return shown
