"""Who has a job in hand?

Covers: what the handler says in its file, as far as it can be trusted: what is in hand now must be
of the handler that runs now.
Leaves out: the file (`model.work`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy import orders

if TYPE_CHECKING:
    from podkeeper.loops.sight import Sight
    from podkeeper.model.work import Work
    from podkeeper.settings.plan import Plan, Program

#: Where a WebUI of several is told which GPU is its own.
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"


def work_of(sight: Sight, plan: Plan) -> Work | None:
    """Return what the handler that runs now says it has in hand, or None."""
    work = sight.work
    if work is None:
        return None
    infos = (sight.infos.get(each.name) for each in plan.of_role("handler"))
    return work if any(each and each.pid == work.handler_pid for each in infos) else None


def is_busy(sight: Sight, plan: Plan, program: Program) -> bool | None:
    """Return whether a program's end would cut a job; None where that is not known.

    A handler counts as busy while it runs: a job may be granted to it at any moment.
    """
    states = {name: info.state for name, info in sight.infos.items()}
    if orders.is_idle(states) or program.resident:
        return False
    if program.role == "handler":
        return True
    work = work_of(sight, plan)
    if work is None:
        return None
    if program.role == "webui":
        return any(each.webui == program.name for each in work.jobs)
    return bool(work.jobs)


def has_worked(sight: Sight, program: Program) -> bool:
    """Return whether a WebUI is known to have had a job since its process was started.

    supervisord tells the start in whole seconds, so one that ended just before may count.
    """
    info, work = sight.infos.get(program.name), sight.work
    last_s = work.last_at_s.get(program.name) if work is not None else None
    if info is None or last_s is None:
        return False
    return sight.now_wall_s - (sight.now_s - last_s) >= info.started_at_s


def webui_of_gpu(plan: Plan, index: str) -> Program | None:
    """Return the WebUI that uses a GPU; None where that is not sure."""
    webuis = plan.of_role("webui")
    own = [each for each in webuis if each.environment.get(GPU_VARIABLE) == index]
    if own:
        return own[0]
    return webuis[0] if len(webuis) == 1 and index == "0" else None
