"""Which rules of the policy hold for a program of the plan?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from podkeeper.policy.duty import Rules
from podkeeper.policy.restarts import RestartPolicy

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan, Program
    from podkeeper.settings.schema import RestartSettings

#: Programs that supervisord brings back by itself, so that nobody has to watch the watchers first.
SUPERVISORD_RESTARTS = ("keeper", "watchdog")


def restart_policy(chosen: RestartSettings) -> RestartPolicy:
    """Return the policy that the settings describe."""
    return RestartPolicy(
        **{field.name: getattr(chosen, field.name) for field in dataclasses.fields(RestartPolicy)}
    )


def rules_of(plan: Plan, program: Program) -> Rules:
    """Return the rules for one program, from the plan's settings and limits."""
    settings = plan.settings
    asked = program.readiness_url is not None
    return Rules(
        restart=restart_policy(settings.restart),
        startup_deadline_s=settings.webui.startup_deadline_s if asked else None,
        take_down_wait_s=settings.keeper.take_down_wait_s,
        supervisord_restarts=program.role in SUPERVISORD_RESTARTS,
    )
