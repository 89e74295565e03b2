"""How is what operators have asked for told?

Pure: from what is wanted and what is to sentences. Leaves out: what is done (`policy.orders`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from podkeeper.policy import orders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from podkeeper.policy.orders import Pending, Wanted
    from podkeeper.supervisord import ProgramInfo


def jobs_text(jobs: int | None) -> str:
    """Return how many jobs are in hand, in words."""
    if jobs is None:
        return "jobs in hand unknown"
    return f"{jobs} job{'' if jobs == 1 else 's'} in hand"


def _since(at_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_s))


def _states(infos: Mapping[str, ProgramInfo]) -> dict[str, str]:
    return {name: info.state for name, info in infos.items()}


def accounted_for(wanted: Wanted, infos: Mapping[str, ProgramInfo]) -> frozenset[str]:
    """Return the programs whose state is what an operator asked for, or on the way there."""
    held = {orders.INTAKE} if wanted.holding or orders.holds(wanted) else set()
    return frozenset(held | orders.in_hand(wanted, _states(infos)))


def findings(wanted: Wanted, infos: Mapping[str, ProgramInfo], jobs: int | None) -> Iterator[str]:
    """Give what operators have asked for and is not, or not yet, the normal state."""
    idle = orders.is_idle(_states(infos))
    if wanted.drained_since_s is not None:
        since = _since(wanted.drained_since_s)
        yield (
            f"drained on request since {since}"
            if idle
            else f"draining on request since {since}: {jobs_text(jobs)}"
        )
    for reason in wanted.paused:
        yield f"takes no jobs: {reason} is short"
    if wanted.reload is not None:
        yield "a new configuration waits for the jobs in hand"
    for pending in wanted.pending:
        yield _pending(pending, jobs, idle=idle)


def _pending(pending: Pending, jobs: int | None, *, idle: bool) -> str:
    doing = {
        orders.Kind.RESTART: "restarted",
        orders.Kind.REPLACE: "replaced by its new configuration",
        orders.Kind.ADD: "added",
        orders.Kind.REMOVE: "removed",
    }[pending.kind]
    if pending.when_idle and not idle:
        return f"{pending.program} is to be {doing} once no job is in hand: {jobs_text(jobs)}"
    return f"{pending.program} is being {doing} on request"
