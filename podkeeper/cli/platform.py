"""`podkeeper platform`: run the local RunPod platform in the foreground."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from podkeeper.sim.platform import options

if TYPE_CHECKING:
    import argparse

NAME = "platform"
HELP = "run the local RunPod platform, a stand-in, in the foreground"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line, which is the program's own."""
    options.declare(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal; return the exit code."""
    try:
        # Only here: an install without the extra has no web server, and needs none to load this.
        program = importlib.import_module("podkeeper.sim.platform.program")
    except ModuleNotFoundError as error:
        hint = 'install "podkeeper[sim]"'
        print(f"cannot run the platform: no module {error.name}; {hint}", file=sys.stderr)
        return 2
    exit_code: int = program.run(arguments)
    return exit_code
