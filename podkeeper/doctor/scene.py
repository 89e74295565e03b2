"""Which worker is looked at, and what runs of it?"""

from __future__ import annotations

import pwd
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.probes import files, proc, process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.plan import Plan, Program
    from podkeeper.settings.schema import Settings


@dataclass(frozen=True)
class Scene:
    """All that checks look at; what they read of the kernel they read themselves."""

    settings: Settings
    state_dir: Path
    #: The plan of the last start, or None where there was none.
    plan: Plan | None = None
    #: Main process of each program that runs; None where supervisord does not answer.
    pids: Mapping[str, int] | None = None
    #: What stands in the way of the two above, in words.
    obstacle: str = ""
    root: Path = field(default=Path("/"))
    #: What podkeeper itself is started with here.
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def running(self) -> list[tuple[Program, int]]:
        """Return the programs that run, each with its main process."""
        if self.plan is None or self.pids is None:
            return []
        return [
            (each, self.pids[each.name]) for each in self.plan.programs if each.name in self.pids
        ]

    @cached_property
    def supervisord_pid(self) -> int | None:
        """The parent of what runs; where nothing runs, what the pid file says."""
        for _, pid in self.running:
            found = process.stat(pid, self.root)
            if found is not None:
                return found.ppid
        if self.plan is None or self.pids is None:
            return None
        return files.number(f"{self.plan.runtime_dir}/supervisord.pid")

    @cached_property
    def families(self) -> dict[str, list[int]]:
        """All living processes of each program that runs."""
        if self.plan is None:
            return {}
        mains = {program.name: pid for program, pid in self.running}
        marks, seen = proc.Marks(self.root), proc.scan(self.root)
        found = proc.families(mains, seen, marks.of, self.plan.run_id)
        return {name: [pid for pid, _ in family] for name, family in found.items()}

    def uid_of(self, program: Program) -> int | None:
        """Return the user that a program is to run as, or None where that is unknown."""
        if program.user:
            return next(
                (each.pw_uid for each in pwd.getpwall() if each.pw_name == program.user), None
            )
        return self.owner

    @cached_property
    def owner(self) -> int | None:
        """The user of the worker as a whole: who wrote its plan."""
        if self.plan is None:
            return None
        try:
            return self.plan.path.stat().st_uid
        except OSError:
            return None
