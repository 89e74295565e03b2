"""The commands of `podkeeper`, one file each.

Each command is a module with `NAME`, `HELP`, `arguments(parser)` and `run(arguments) -> exit code`.
It is imported only when it is asked for, so that `status` does not pay for `render`'s libraries.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import TYPE_CHECKING

from podkeeper.errors import PodkeeperError, SettingsError

if TYPE_CHECKING:
    from types import ModuleType

#: Commands and their modules, in the order of the help.
COMMANDS = {
    "demo": "the whole worker, one job through it, and a clean end",
    "up": "start the worker and stay in the foreground",
    "status": "how the worker is, on one screen",
    "incidents": "what went wrong, why, and what was done",
    "explain": "what happened in one incident, and why podkeeper did what it did",
    "jobs": "which jobs this worker was granted, and what became of them",
    "drain": "finish the jobs in hand and take no others until resume",
    "resume": "take jobs again",
    "restart": "restart one program",
    "reload": "bring changed settings into force, restarting only what they change",
    "doctor": "what stands in the way of the worker, and how to mend it",
    "vram": "which jobs of a model family fit on a card",
    "submit": "send a job to the local platform",
    "config": "show, check and describe the settings",
    "render": "the supervisord configuration these settings come to",
    "healthcheck": "exit 0 while the worker is healthy, for containers",
    "entrypoint": "render, then become the given command, for containers",
    "platform": "the local RunPod platform alone, a stand-in",
}
_USAGE_EXIT_CODE = 2


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"podkeeper.cli.{command}")


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(["usage: podkeeper COMMAND [OPTION …]", "", "commands:", *lines])


def _print_error(error: PodkeeperError) -> None:
    if isinstance(error, SettingsError):
        for complaint in error.complaints:
            print(f"podkeeper: bad setting: {complaint}", file=sys.stderr)
    else:
        print(f"podkeeper: {error}", file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0
    if words[0] == "--version":
        words = ["version"]
    return _run(words[0], words[1:])


def _run(command: str, words: list[str]) -> int:
    if command == "version":
        from importlib.metadata import version  # noqa: PLC0415 - costs 30 ms, needed here only

        print(f"podkeeper {version('podkeeper')}")
        return 0
    if command not in COMMANDS:
        print(f"podkeeper: no such command: {command}\n{_overview()}", file=sys.stderr)
        return _USAGE_EXIT_CODE
    module = _module(command)
    parser = argparse.ArgumentParser(prog=f"podkeeper {command}", description=module.HELP)
    module.arguments(parser)
    try:
        return int(module.run(parser.parse_args(words)))
    except PodkeeperError as error:
        _print_error(error)
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has seen enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
