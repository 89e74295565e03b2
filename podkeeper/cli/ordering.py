"""How does a command leave the keeper an order and wait until it is carried out?"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from podkeeper.cli.worker import jobs_in_hand, wanted_of
from podkeeper.console import wishes
from podkeeper.errors import LedgerError, PlanError, SupervisordError
from podkeeper.policy import orders
from podkeeper.settings import plan as plans
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from podkeeper.policy.orders import Wanted
    from podkeeper.settings.plan import Plan

_POLL_S = 0.2
#: What a command ends with when it has waited in vain: the order stands all the same.
WAITED_IN_VAIN = 3


def wait_arguments(parser: argparse.ArgumentParser, until: str) -> None:
    """Add the options that make a command wait."""
    parser.add_argument("--wait", action="store_true", help=f"return only once {until}")
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="S",
        help=f"wait so many seconds at most; exit code {WAITED_IN_VAIN} if that was not enough",
    )


def give(plan: Plan, name: str, argument: str = "") -> int:
    """Leave an order and return its number.

    Raises:
        SupervisordError: The worker does not run.
    """
    return Supervisord(plan.socket_path).order(name, argument)


def is_drained(wanted: Wanted, states: dict[str, str]) -> bool:
    """Return whether no job is in hand and none will be taken."""
    return wanted.drained_since_s is not None and orders.is_idle(states)


def is_done(wanted: Wanted, _states: dict[str, str]) -> bool:
    """Return whether every restart and reload that was asked for is over."""
    return not wanted.pending and wanted.reload is None


def wait(
    plan: Plan,
    number: int,
    reached: Callable[[Wanted, dict[str, str]], bool],
    timeout_s: float | None,
) -> int:
    """Wait until an order is taken and what it asks for is reached; return the exit code."""
    until_s = None if timeout_s is None else time.monotonic() + timeout_s
    while not _reached(plan, number, reached):
        if until_s is not None and time.monotonic() >= until_s:
            said = _jobs(plan)
            print(f"podkeeper: not done within {timeout_s:g} s: {said}", file=sys.stderr)
            return WAITED_IN_VAIN
        time.sleep(_POLL_S)
    return 0


def _reached(plan: Plan, number: int, reached: Callable[[Wanted, dict[str, str]], bool]) -> bool:
    states = {each.name: each.state for each in Supervisord(plan.socket_path).programs()}
    try:
        # The plan may be a new one by now; the ledger stays where it is.
        wanted, last = wanted_of(plan)
    except LedgerError:
        return False
    return last >= number and reached(wanted, states)


def _jobs(plan: Plan) -> str:
    try:
        infos = {each.name: each for each in Supervisord(plan.socket_path).programs()}
        plan = plans.read(plan.path)
    except (SupervisordError, PlanError) as error:
        return str(error)
    return wishes.jobs_text(jobs_in_hand(plan, infos[orders.INTAKE].pid))
