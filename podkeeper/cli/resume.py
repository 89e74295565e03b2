"""`podkeeper resume`: take jobs again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.cli import ordering
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan
from podkeeper.policy.orders import Name

if TYPE_CHECKING:
    import argparse

NAME = "resume"
HELP = "Take jobs again after `podkeeper drain`."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Leave the order.

    Raises:
        PlanError: No worker was started here.
        SupervisordError: It does not run.
    """
    ordering.give(find_plan(source_of(options)), Name.RESUME)
    print("takes jobs again once a WebUI is ready")
    return 0
