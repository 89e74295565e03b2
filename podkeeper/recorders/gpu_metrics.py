"""Which metrics do the GPUs give?

Covers: from a snapshot's GPUs, and the errors reported of them, to samples. What each means follows
NVIDIA's DCGM exporter, in base units. Pure.
Leaves out: writing them (`recorders.metrics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.recorders.metrics import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podkeeper.model.gpu import Gpu, GpuHealth, Xid


def _flag(value: int | None) -> int | None:
    return None if value is None else int(value)


def _now(gpu: Gpu, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample("podkeeper_gpu_info", 1 if gpu.name else None, (*labels, gpu.name or ""))
    yield Sample("podkeeper_gpu_lost", _flag(gpu.lost), labels)
    yield Sample("podkeeper_gpu_memory_capacity_bytes", gpu.memory_capacity_bytes, labels)
    yield Sample("podkeeper_gpu_memory_used_bytes", gpu.memory_used_bytes, labels)
    yield Sample("podkeeper_gpu_memory_reserved_bytes", gpu.memory_reserved_bytes, labels)
    yield Sample("podkeeper_gpu_utilization_ratio", gpu.utilization_ratio, labels)
    yield Sample("podkeeper_gpu_memory_utilization_ratio", gpu.memory_utilization_ratio, labels)
    yield Sample("podkeeper_gpu_power_watts", gpu.power_watts, labels)
    yield Sample("podkeeper_gpu_power_limit_watts", gpu.power_limit_watts, labels)
    for reason in gpu.clock_limits or ():
        yield Sample("podkeeper_gpu_clock_limited", 1, (*labels, reason))
    action = gpu.recovery_action
    yield Sample("podkeeper_gpu_recovery_action", 1 if action else None, (*labels, action or ""))


def _temperature(gpu: Gpu, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample("podkeeper_gpu_temperature_celsius", gpu.temperature_celsius, labels)
    yield Sample("podkeeper_gpu_slowdown_celsius", gpu.slowdown_celsius, labels)
    yield Sample("podkeeper_gpu_shutdown_celsius", gpu.shutdown_celsius, labels)
    yield Sample("podkeeper_gpu_slowdown_margin_celsius", gpu.slowdown_margin_celsius, labels)


def _health(health: GpuHealth, labels: tuple[str, ...]) -> Iterator[Sample]:
    corrected, uncorrected = (*labels, "corrected"), (*labels, "uncorrected")
    yield Sample("podkeeper_gpu_ecc_errors_total", health.ecc_corrected, corrected)
    yield Sample("podkeeper_gpu_ecc_errors_total", health.ecc_uncorrected, uncorrected)
    yield Sample("podkeeper_gpu_remapped_rows", health.remapped_rows_corrected, corrected)
    yield Sample("podkeeper_gpu_remapped_rows", health.remapped_rows_uncorrected, uncorrected)
    yield Sample("podkeeper_gpu_row_remap_pending", _flag(health.remap_pending), labels)
    yield Sample("podkeeper_gpu_row_remap_failure", _flag(health.remap_failed), labels)
    yield Sample("podkeeper_gpu_pcie_link_generation", health.pcie_generation, labels)
    yield Sample("podkeeper_gpu_pcie_link_lanes", health.pcie_width, labels)
    yield Sample("podkeeper_gpu_pcie_replays_total", health.pcie_replays, labels)
    yield Sample("podkeeper_gpu_processes", health.processes, labels)


def _xids(xids: Sequence[Xid]) -> Iterator[Sample]:
    """Yield the number of all errors and each GPU's last; nothing where there was none."""
    yield Sample("podkeeper_gpu_xids_total", xids[-1].sequence if xids else None)
    last = {each.gpu: each.code for each in xids if each.gpu is not None}
    for gpu, code in last.items():
        yield Sample("podkeeper_gpu_last_xid", code, (str(gpu),))


def samples(gpus: Iterable[Gpu], xids: Sequence[Xid]) -> Iterator[Sample]:
    """Yield every sample of the GPUs, unknown ones with None."""
    for gpu in gpus:
        labels = (str(gpu.index),)
        yield from _now(gpu, labels)
        yield from _temperature(gpu, labels)
        yield from _health(gpu.health, labels)
    yield from _xids(xids)
