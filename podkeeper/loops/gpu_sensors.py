"""What do the GPUs say at this instant?

Covers: who reads them and who listens for their errors, each in a thread of its own: on a broken
GPU a reading may hang, and its error still comes.
Leaves out: the single readings (`podkeeper.probes.gpus`, `podkeeper.probes.gpu_events`).
Loaded only where there is a driver: without one all of this is memory for nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from podkeeper.probes.background import Background
from podkeeper.probes.gpu_events import GpuEvents
from podkeeper.probes.gpus import Gpus
from podkeeper.probes.nvml import Nvml

if TYPE_CHECKING:
    from podkeeper.model.gpu import Gpu, Xid
    from podkeeper.settings.schema import Settings


class GpuSensors:
    """The newest readings and errors of all GPUs."""

    def __init__(self, settings: Settings) -> None:
        watchdog, chosen = settings.watchdog, settings.gpu
        gpus = Gpus(Nvml(watchdog.gpu_retry_s), chosen.health_period_s)
        events = GpuEvents(Nvml(watchdog.gpu_retry_s), chosen.event_wait_s, chosen.xids_kept)
        self._max_age_s = watchdog.max_reading_age_s
        self._gpus = Background("gpus", gpus.read, watchdog.gpu_period_s)
        self._xids = Background("xids", events.look, 0.0)
        self.slow = (self._gpus, self._xids)

    def gpus(self) -> list[Gpu] | None:
        """Return the newest look at the GPUs, or None where it hangs or the driver is away."""
        return self._gpus.latest(self._max_age_s)

    def xids(self) -> list[Xid]:
        """Return the newest errors that were reported, however long ago."""
        return self._xids.latest(math.inf) or []
