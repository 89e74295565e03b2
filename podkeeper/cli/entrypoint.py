"""`podkeeper entrypoint COMMAND…`: what a container's ENTRYPOINT runs."""

from __future__ import annotations

import argparse
import os

from podkeeper import start
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.up import announce, become, supervisord_command

NAME = "entrypoint"
HELP = "Render the configuration, then become the given command (the container's CMD)."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    settings_arguments(parser)
    parser.add_argument(
        "command",
        nargs=argparse.REMAINDER,
        help="what to become; without one, supervisord with the rendered configuration",
    )


def run(options: argparse.Namespace) -> int:
    """Prepare the start and become the command.

    Only supervisord is given the scrubbed environment; a shell or any other command that somebody
    runs in the image instead needs no start and gets none.
    """
    command = [word for word in options.command if word != "--"]
    if command and os.path.basename(command[0]) != "supervisord":  # noqa: PTH119 - a text, no file
        return become(command, dict(os.environ))
    prepared = start.prepare(source_of(options), os.environ)
    announce(prepared)
    return become(command or supervisord_command(prepared), prepared.environment)
