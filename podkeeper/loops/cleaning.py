"""What may be removed from the disks of a plan's worker?

Covers: from the settings to rules and to what removes by them.
Leaves out: when it is done, and for how much room.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from podkeeper.actuators.disk import Cleaner
from podkeeper.policy.cleaning import Rule
from podkeeper.settings.disk import normal

if TYPE_CHECKING:
    from podkeeper.settings.disk import DiskSettings
    from podkeeper.settings.plan import Plan


def rules_of(chosen: DiskSettings, directory: str) -> list[Rule]:
    """Return the rules in their order; relative folders lie below the WebUI's directory."""
    return [
        Rule(
            kind,
            tuple(normal(posixpath.join(directory, each)) for each in getattr(chosen, kind)),
            getattr(chosen, f"{kind}_min_age_s"),
        )
        for kind in chosen.order
        if getattr(chosen, kind)
    ]


def kept_by(plan: Plan) -> list[str]:
    """Return the worker's own folders, which stay wherever they lie."""
    own = [plan.runtime_dir, plan.state_dir, plan.settings.logs.dir]
    return [folder for folder in own if folder]


def cleaner_of(plan: Plan) -> Cleaner:
    """Return what makes room for this worker."""
    chosen = plan.settings.disk
    return Cleaner(
        rules_of(chosen, plan.of_role("webui")[0].directory),
        kept=kept_by(plan),
        max_candidates=chosen.max_candidates,
        step_s=chosen.step_s,
    )
