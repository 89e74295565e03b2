"""A steady load of jobs through the local platform."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from worker import JOB

from podkeeper.sim.platform.client import PlatformError

if TYPE_CHECKING:
    from podkeeper.sim.platform.client import Client

#: Jobs that are waiting or running at one time.
_LIVE = 2
_PERIOD_S = 0.2
#: Short jobs and some that are long enough to be hit in the middle.
_STEPS = (2, 10, 4, 40)


class Load:
    """Keeps some jobs in the queue until it is told to end."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")
        #: The jobs that the platform said yes to.
        self.accepted: list[str] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Submit no more."""
        self._enough.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._enough.wait(_PERIOD_S):
            try:
                jobs = self._client.health()["jobs"]
                if jobs["inQueue"] + jobs["inProgress"] < _LIVE:
                    steps = _STEPS[len(self.accepted) % len(_STEPS)]
                    self.accepted.append(self._client.submit({**JOB, "steps": steps}).id)
            except PlatformError:
                continue  # the platform is one of the programs that are killed
