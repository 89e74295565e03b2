"""What is known of the GPUs at one instant?

Covers: one GPU's readings, and the errors that the driver has reported since the watchdog began.
Leaves out: how they are read (`podkeeper.probes.gpu_reading`, `gpu_events`) and what they mean
(`podkeeper.policy.gpu`). What a GPU, driver or binding does not support is None, never 0.
"""

from __future__ import annotations

import msgspec


class GpuHealth(msgspec.Struct, frozen=True, kw_only=True):
    """What changes seldom and is read seldom."""

    #: Memory errors since the driver was loaded, put right by ECC or not.
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None
    #: Rows of memory that were replaced by spare ones, for errors put right or not.
    remapped_rows_corrected: int | None = None
    remapped_rows_uncorrected: int | None = None
    #: Whether a row waits for the next reset of the GPU to be replaced.
    remap_pending: bool | None = None
    #: Whether a row could not be replaced, ever.
    remap_failed: bool | None = None
    #: The link to the machine as it is now; the generation falls while the GPU is idle.
    pcie_generation: int | None = None
    pcie_width: int | None = None
    #: Packets that had to be sent once more.
    pcie_replays: int | None = None
    #: Processes that compute on it, ours or not. Their pids may be the host's: never use them.
    processes: int | None = None


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU as NVML sees it."""

    index: int
    name: str | None
    #: What programs can use: used and free, less what the driver keeps for itself.
    memory_capacity_bytes: int | None
    memory_used_bytes: int | None
    utilization_ratio: float | None
    temperature_celsius: float | None
    power_watts: float | None
    #: What NVML said instead of a reading, in words; None where everything could be read that a
    #: GPU may be expected to tell.
    error: str | None = None
    #: Its name for good: an index may go to another GPU when one is gone.
    uuid: str | None = None
    #: Whether the driver says that it has lost it; None where it could not be asked.
    lost: bool | None = None
    #: What the driver keeps for itself.
    memory_reserved_bytes: int | None = None
    #: Share of the last moments in which its memory was read or written.
    memory_utilization_ratio: float | None = None
    #: Temperature at which it slows itself down, and at which it turns itself off.
    slowdown_celsius: float | None = None
    shutdown_celsius: float | None = None
    #: How far it is from slowing down, as newer GPUs tell it; below 0 it has begun.
    slowdown_margin_celsius: float | None = None
    #: What holds its clocks down now, in nvidia-smi's words; empty where nothing does.
    clock_limits: tuple[str, ...] | None = None
    power_limit_watts: float | None = None
    #: What the driver says is needed to recover from an error: none, gpu_reset and so on.
    recovery_action: str | None = None
    health: GpuHealth = GpuHealth()


class Xid(msgspec.Struct, frozen=True, kw_only=True):
    """One error that the driver has reported. NVIDIA calls its kind by a number, the XID."""

    #: Counts up by one from the watchdog's start: with its pid it names one event.
    sequence: int
    #: Index of the GPU; None where the driver did not say.
    gpu: int | None
    code: int
    #: CLOCK_MONOTONIC of when it was heard of.
    at_monotonic_s: float
