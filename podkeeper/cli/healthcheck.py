"""Is the worker well, in one exit code?

Covers: one short question to the watchdog, for Docker's HEALTHCHECK. It runs every few seconds, so
it imports next to nothing.
Leaves out: why not (`podkeeper status`).
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

NAME = "healthcheck"
HELP = "exit 0 if the worker can take a job, 1 if it cannot or not yet"

#: What `/ping` says of a worker that is ready, and of one that is not ready yet. A start counts as
#: not well: a container is healthy once it can do its work, and its engine gives it the time.
_WORDS = {200: "ready", 204: "starting"}
_READY = 200
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, never bound to
_MOST_BYTES = 4096


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        help="where the watchdog listens (default: what the plan of the running start says)",
    )
    parser.add_argument(
        "--timeout", type=float, default=2.0, metavar="SECONDS", help="longest wait (%(default)s)"
    )


def _plan_path() -> str:
    """Return where the running start's plan lies."""
    if os.environ.get("PODKEEPER_PLAN"):
        return os.environ["PODKEEPER_PLAN"]
    folder = os.environ.get("PODKEEPER_WORKER__RUNTIME_DIR")
    if not folder:
        from podkeeper import paths  # noqa: PLC0415 - costs as much as all else here together

        folder = str(paths.default_runtime_dir(dict(os.environ)))
    return os.path.join(folder, "plan.json")  # noqa: PTH118 - pathlib costs 15 ms


def where(address: str | None) -> tuple[str, int]:
    """Return the watchdog's host and port.

    Raises:
        OSError: There is no plan, so nothing runs.
        ValueError: The address or the plan is not usable.
    """
    if address is not None:
        host, _, port = address.rpartition(":")
        return host.strip("[]"), int(port)
    with open(_plan_path(), "rb") as file:  # noqa: PTH123 - pathlib costs 15 ms
        plan = json.load(file)
    try:
        chosen = plan["settings"]["watchdog"]
        return _ANYWHERE.get(chosen["address"], chosen["address"]), int(chosen["port"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"no watchdog in the plan: {error}") from error


def ask(host: str, port: int, timeout_s: float) -> int:
    """Return the status code of the watchdog's `/ping`.

    Raises:
        OSError: Nobody answers within the time.
        ValueError: What answers does not speak HTTP.
    """
    deadline_s = time.monotonic() + timeout_s
    with socket.create_connection((host, port), timeout_s) as connection:
        connection.sendall(b"GET /ping HTTP/1.0\r\n\r\n")
        answer = b""
        while b"\n" not in answer and len(answer) < _MOST_BYTES:
            connection.settimeout(max(0.001, deadline_s - time.monotonic()))
            received = connection.recv(_MOST_BYTES)
            if not received:
                break
            answer += received
    words = answer.split(b"\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):  # noqa: PLR2004 - version and status
        raise ValueError("no HTTP answer")
    return int(words[1])


def run(arguments: argparse.Namespace) -> int:
    """Ask once; say what was seen and return the exit code."""
    try:
        host, port = where(arguments.address)
        status = ask(host, port, arguments.timeout)
    except (OSError, ValueError) as error:
        sys.stdout.write(f"cannot ask the watchdog: {error}\n")
        return 1
    sys.stdout.write(f"{_WORDS.get(status, f'not ready (status {status})')}\n")
    return 0 if status == _READY else 1
