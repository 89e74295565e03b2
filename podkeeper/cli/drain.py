"""`podkeeper drain`: finish the jobs in hand and take no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.cli import ordering
from podkeeper.cli.common import settings_arguments, source_of
from podkeeper.cli.worker import find_plan
from podkeeper.policy.orders import Name

if TYPE_CHECKING:
    import argparse

NAME = "drain"
HELP = "Finish the jobs in hand and take no others until `podkeeper resume`."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    ordering.wait_arguments(parser, "no job is in hand")
    settings_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Leave the order, and wait where asked to.

    Raises:
        PlanError: No worker was started here.
        SupervisordError: It does not run.
    """
    plan = find_plan(source_of(options))
    number = ordering.give(plan, Name.DRAIN)
    if not options.wait:
        print("draining; `podkeeper status` tells when it is done")
        return 0
    code = ordering.wait(plan, number, ordering.is_drained, options.timeout)
    if code == 0:
        print("drained")
    return code
