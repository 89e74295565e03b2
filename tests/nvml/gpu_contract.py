"""What holds for the reading of any GPU, be its driver real or a stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.model.gpu import Gpu

#: More than any GPU has, and less than a wrong unit makes of it.
_MAX_BYTES = 1 << 42
_MAX_WATTS = 3000.0


def check(gpu: Gpu) -> None:
    """Check one reading of a GPU that is there and healthy.

    Raises:
        AssertionError: It cannot be one.
    """
    assert (gpu.lost, gpu.error) == (False, None)
    assert gpu.name
    assert gpu.uuid
    assert gpu.uuid.startswith(("GPU-", "MIG-"))
    _check_memory(gpu)
    for ratio in (gpu.utilization_ratio, gpu.memory_utilization_ratio):
        assert ratio is None or 0.0 <= ratio <= 1.0
    for watts in (gpu.power_watts, gpu.power_limit_watts):
        assert watts is None or 0.0 <= watts < _MAX_WATTS
    _check_temperature(gpu)
    assert gpu.clock_limits is None or all(each.islower() for each in gpu.clock_limits)
    assert gpu.recovery_action in (None, "none")
    assert not gpu.health.remap_failed
    counts = (getattr(gpu.health, name) for name in gpu.health.__struct_fields__)
    assert all(each is None or each >= 0 for each in counts)


def _check_memory(gpu: Gpu) -> None:
    assert gpu.memory_capacity_bytes is not None
    assert gpu.memory_used_bytes is not None
    assert 0 <= gpu.memory_used_bytes <= gpu.memory_capacity_bytes < _MAX_BYTES
    assert gpu.memory_reserved_bytes is None or gpu.memory_reserved_bytes >= 0


def _check_temperature(gpu: Gpu) -> None:
    slowdown, shutdown = gpu.slowdown_celsius, gpu.shutdown_celsius
    assert gpu.temperature_celsius is None or 0 < gpu.temperature_celsius < 120
    assert slowdown is None or 50 < slowdown < 150
    assert None in (slowdown, shutdown) or slowdown <= shutdown  # type: ignore[operator]
