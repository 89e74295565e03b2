"""podkeeper: the whole worker with the simulated WebUI, the handler and the local platform."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bench.common.running import wait_for
from bench.footprint.sides.base import Side
from podkeeper.cli.demo import environment_of
from podkeeper.cli.worker import ask
from podkeeper.errors import PlanError, SupervisordError
from podkeeper.settings import plan as plans
from podkeeper.sim.platform import address
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    import threading
    from pathlib import Path

JOB = {"prompt": "a lighthouse", "steps": 20, "width": 512, "height": 512}
_JOB_DEADLINE_S = 120.0


class Podkeeper(Side):
    """supervisord with the plugin, the keeper and the watchdog."""

    name = "podkeeper"
    setting = "as shipped, profile simulator: WebUI, handler and platform are kept, not counted"

    def __init__(self, folder: Path, program: Path) -> None:
        super().__init__(folder, program)
        self.environ = environment_of(folder)

    def start(self) -> None:
        """Start it and wait until it can take a job."""
        self.run([sys.executable, "-m", "podkeeper", "up"], self.environ)
        wait_for(self.ready, "a ready worker", 120)

    def ready(self) -> bool:
        """Return whether it can take a job."""
        try:
            return ask(plans.read(self.folder / "run" / plans.FILE_NAME)).ready
        except (PlanError, SupervisordError):
            return False

    def pids(self) -> dict[str, int]:
        """Return supervisord, keeper and watchdog."""
        plan = plans.read(self.folder / "run" / plans.FILE_NAME)
        programs = Supervisord(plan.socket_path).programs()
        resident = {each.name for each in plan.programs if each.resident}
        helpers = {each.name: each.pid for each in programs if each.name in resident}
        return {"supervisord": self.root_pid, **helpers}

    def work(self, until: threading.Event) -> int:
        """Send one job after another, and return how many were completed."""
        client, done = address.find(self.environ), 0
        while not until.is_set():
            state = client.wait(client.submit(JOB).id, lambda _: None, _JOB_DEADLINE_S)
            if state.status != "COMPLETED":
                raise RuntimeError(f"a job ended as {state.status}: {state.error}")
            done += 1
        return done
