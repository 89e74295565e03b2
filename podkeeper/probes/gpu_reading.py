"""What does one GPU say of itself now?

Covers: every reading that changes quickly, by whichever call this driver knows.
Leaves out: what seldom changes (`probes.gpu_health`), all GPUs together (`probes.gpus`).
PCIe throughput: NVML measures it for 20 ms while the caller waits. Which program uses how much: in
a container NVML's pids may be the host's, so nothing is counted by pid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from podkeeper.probes.nvml import Reader

_MILLI = 1000
_PERCENT = 100
# Numbers of nvml.h that never change; older bindings lack some of their names.
_MEMORY_V2 = 0x02000028
_SENSOR_GPU = 0
_FIELD_RECOVERY_ACTION = 230
#: Bits of the clocks event reasons, in the words of `nvidia-smi --help-query-gpu`.
_CLOCK_LIMITS = {
    0x1: "gpu_idle",
    0x2: "applications_clocks_setting",
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
    0x200: "board_limit",
    0x400: "reliability",
}
_RECOVERY_ACTIONS = {
    0: "none",
    1: "gpu_reset",
    2: "node_reboot",
    3: "drain_p2p",
    4: "drain_and_reset",
    5: "recover_imex_domain",
    6: "bus_reset",
    7: "system_reboot",
}
RESET = _RECOVERY_ACTIONS[1]


class Memory(NamedTuple):
    """GPU memory. What a driver does not tell apart is None."""

    capacity_bytes: int | None = None
    used_bytes: int | None = None
    reserved_bytes: int | None = None


def memory(read: Reader) -> Memory:
    """Return memory, that of the driver apart.

    Same as `nvidia-smi --query-gpu=memory.used,memory.free,memory.reserved --format=csv`.
    """
    found = read.value(
        ("nvmlDeviceGetMemoryInfo", _MEMORY_V2),
        # Drivers before R510 have this one only; it counts what the driver keeps as used.
        ("nvmlDeviceGetMemoryInfo",),
    )
    if found is None:
        return Memory()
    return Memory(found.used + found.free, found.used, getattr(found, "reserved", None))


def utilization(read: Reader) -> tuple[float | None, float | None]:
    """Return how busy the GPU and its memory are, from 0 to 1.

    Same as `nvidia-smi --query-gpu=utilization.gpu,utilization.memory --format=csv`.
    """
    rates = read.value(("nvmlDeviceGetUtilizationRates",))
    return (None, None) if rates is None else (rates.gpu / _PERCENT, rates.memory / _PERCENT)


def temperature_celsius(read: Reader) -> float | None:
    """Return its temperature. Same as `nvidia-smi --query-gpu=temperature.gpu --format=csv`."""
    found: float | None = read.value(
        ("nvmlDeviceGetTemperatureV", _SENSOR_GPU),
        # Goes away with CUDA 14; older drivers have this one only.
        ("nvmlDeviceGetTemperature", _SENSOR_GPU),
    )
    return found


def slowdown_margin_celsius(read: Reader) -> float | None:
    """Return how far it is from slowing down: `GPU T.Limit` of `nvidia-smi -q -d TEMPERATURE`."""
    found: float | None = read.optional(("nvmlDeviceGetMarginTemperature",))
    return found


def clock_limits(read: Reader) -> tuple[str, ...] | None:
    """Return what holds its clocks down. Same as `nvidia-smi -q -d PERFORMANCE`."""
    bits = read.optional(
        ("nvmlDeviceGetCurrentClocksEventReasons",),
        # The name before R535; goes away with CUDA 14.
        ("nvmlDeviceGetCurrentClocksThrottleReasons",),
    )
    if bits is None:
        return None
    return tuple(
        _CLOCK_LIMITS.get(1 << place, hex(1 << place))
        for place in range(bits.bit_length())
        if bits >> place & 1
    )


def power_watts(read: Reader) -> float | None:
    """Return the power it draws. Same as `nvidia-smi --query-gpu=power.draw --format=csv`."""
    return _watts(read.value(("nvmlDeviceGetPowerUsage",)))


def power_limit_watts(read: Reader) -> float | None:
    """Return the power it may draw.

    Same as `nvidia-smi --query-gpu=enforced.power.limit --format=csv`.
    """
    return _watts(read.optional(("nvmlDeviceGetEnforcedPowerLimit",)))


def recovery_action(read: Reader) -> str | None:
    """Return what is needed to recover. Same as `GPU Recovery Action` of `nvidia-smi -q`.

    Drivers before R565 do not tell; some calls say themselves that a reset is required.
    """
    fields = read.optional(("nvmlDeviceGetFieldValues", [_FIELD_RECOVERY_ACTION]))
    if fields is None or fields[0].nvmlReturn != 0:
        return None
    action = fields[0].value.uiVal
    return _RECOVERY_ACTIONS.get(action, f"action {action}")


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / _MILLI
