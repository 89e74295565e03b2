"""How are all GPUs at one instant?

Covers: one value for each GPU; what does not change is read once in each opening of NVML, what
seldom does is read seldom.
Leaves out: the single readings (`probes.gpu_reading`, `probes.gpu_health`), errors that the driver
reports (`probes.gpu_events`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from podkeeper.model.gpu import Gpu, GpuHealth
from podkeeper.probes import gpu_health
from podkeeper.probes import gpu_reading as now
from podkeeper.probes.gpu_health import Fixed
from podkeeper.probes.nvml import Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.probes.nvml import Nvml


def gpu(index: int, read: Reader, fixed: Fixed, health: GpuHealth) -> Gpu:
    """Return one GPU. Same as `nvidia-smi -i INDEX -q`.

    One that is lost, or whose driver does not answer, has no values but its name.
    """
    memory = now.memory(read)
    busy, memory_busy = now.utilization(read)
    celsius, margin = now.temperature_celsius(read), now.slowdown_margin_celsius(read)
    limits, action = now.clock_limits(read), now.recovery_action(read)
    watts, limit_watts = now.power_watts(read), now.power_limit_watts(read)
    # Last: any of the readings may have told.
    silent = read.lost or read.handle is None
    return Gpu(
        index=index,
        name=fixed.name,
        uuid=fixed.uuid,
        lost=True if read.lost else (None if silent else False),
        error=read.error,
        memory_capacity_bytes=memory.capacity_bytes,
        memory_used_bytes=memory.used_bytes,
        memory_reserved_bytes=memory.reserved_bytes,
        utilization_ratio=busy,
        memory_utilization_ratio=memory_busy,
        temperature_celsius=celsius,
        slowdown_margin_celsius=margin,
        slowdown_celsius=fixed.slowdown_celsius,
        shutdown_celsius=fixed.shutdown_celsius,
        clock_limits=limits,
        power_watts=watts,
        power_limit_watts=limit_watts,
        recovery_action=now.RESET if read.reset_required else action,
        health=GpuHealth() if silent else health,
    )


class _Known(NamedTuple):
    """What is remembered of a GPU between two looks."""

    fixed: Fixed = Fixed()
    health: GpuHealth = GpuHealth()
    health_at_s: float = 0.0
    #: Whether all of it is to be asked anew: it was silent, and another may come in its place.
    stale: bool = True


class Gpus:
    """Reads all GPUs, again and again."""

    def __init__(
        self, door: Nvml, health_period_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._door = door
        self._health_period_s = health_period_s
        self._clock = clock
        self._known: dict[int, _Known] = {}

    def read(self) -> list[Gpu] | None:
        """Return all GPUs, or None where there is no NVML. Same as `nvidia-smi -q`."""
        nvml = self._door.open()
        if nvml is None:
            self._known.clear()
            return None
        try:
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:  # the driver went away below us
            self._door.close(str(error))
            self._known.clear()
            return None
        return [self._one(nvml, index) for index in range(count)]

    def _one(self, nvml: Any, index: int) -> Gpu:
        read = Reader(nvml, index)
        read.handle = read.value(("nvmlDeviceGetHandleByIndex",))
        known = self._look(read, self._known.get(index, _Known()))
        found = gpu(index, read, known.fixed, known.health)
        self._known[index] = known._replace(stale=found.lost is not False)
        return found

    def _look(self, read: Reader, known: _Known) -> _Known:
        """Return what is known of a GPU; one that is silent now is called what it was."""
        now_s = self._clock()
        if not known.stale and now_s - known.health_at_s < self._health_period_s:
            return known
        fixed = gpu_health.fixed(read) if known.stale else known.fixed
        health = gpu_health.health(read)
        if read.lost or read.handle is None:
            return known
        return _Known(fixed, health, now_s)
