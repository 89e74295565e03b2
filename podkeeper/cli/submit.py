"""`podkeeper submit FILE.json`: send a job to the platform, watch it, and keep its pictures.

Exits 0 when the job completed, 1 when it did not or the platform cannot be reached, 2 when the
file is of no use.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from podkeeper.errors import PodkeeperError
from podkeeper.sim.platform import address, pictures, show

if TYPE_CHECKING:
    import argparse

    from podkeeper.sim.platform.client import Client, JobState

NAME = "submit"
HELP = "send a job to the platform, watch it and keep its pictures"


class JobFileError(PodkeeperError):
    """The job file is of no use."""

    exit_code = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("file", metavar="FILE", help='JSON file: {"input": {…}}, or a bare input')
    parser.add_argument("--url", help="platform or endpoint; else the running worker's own")
    parser.add_argument("--sync", action="store_true", help="send it through /runsync")
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIR", help="folder for the pictures"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but paths and errors")
    parser.add_argument(
        "--deadline", type=float, default=float("inf"), metavar="SECONDS", help="longest wait"
    )
    parser.add_argument("--config", type=Path, help="settings file of the worker")


def read_job(path: Path) -> dict[str, Any]:
    """Return the body to submit that a file holds: a job, or a bare input.

    Raises:
        JobFileError: It cannot be read or is no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise JobFileError(f"cannot read the job {path}: {reason}") from error
    if not isinstance(value, dict):
        raise JobFileError(f"cannot read the job {path}: expected a JSON object")
    return value if isinstance(value.get("input"), dict) else {"input": value}


def send(client: Client, body: dict[str, Any], *, sync: bool) -> JobState:
    """Submit a job as `read_job` gave it; one sent through /runsync may have ended already."""
    rest = {name: value for name, value in body.items() if name not in {"input", "id"}}
    if sync:
        return client.submit_sync(body["input"], client.timeout_s, **rest)
    return client.submit(body["input"], **rest)


def _watch(client: Client, first: JobState, given: argparse.Namespace) -> JobState:
    shown = show.ProgressLine(sys.stdout)
    on_update = (lambda _: None) if given.quiet else shown
    try:
        if first.ended:
            on_update(first)
            return first
        return client.wait(first.id, on_update, given.deadline)
    except KeyboardInterrupt:
        client.cancel(first.id)
        raise
    finally:
        shown.close()


def _report(state: JobState, given: argparse.Namespace) -> int:
    if state.status != "COMPLETED":
        print(f"job {state.id} {state.status}: {show.failure_of(state)}", file=sys.stderr)
        return 1
    for path in pictures.save(state, given.output):
        print(path if given.quiet else f"picture written to {path}")
    if not given.quiet:
        print(show.summary(state))
    return 0


def run(arguments: argparse.Namespace) -> int:
    """Send the job, wait for its end and say what came of it; return the exit code."""
    try:
        body = read_job(Path(arguments.file))
        client = address.find(os.environ, arguments.url, arguments.config)
        first = send(client, body, sync=arguments.sync)
        if not arguments.quiet:
            print(f"job {first.id} sent to {urlsplit(client.url).netloc}")
        return _report(_watch(client, first, arguments), arguments)
    except PodkeeperError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("job cancelled", file=sys.stderr)
        return 130
