"""What does one GPU say of itself that seldom changes?

Covers: memory errors, replaced rows, its link to the machine, how many processes compute on it; and
what does not change at all: what it is called, at which temperatures it slows down and turns off.
Leaves out: what changes quickly (`probes.gpu_reading`), when each is read (`probes.gpus`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from podkeeper.model.gpu import GpuHealth

if TYPE_CHECKING:
    from podkeeper.probes.nvml import Reader

# Numbers of nvml.h that never change.
_SHUTDOWN, _SLOWDOWN = 0, 1
_CORRECTED, _UNCORRECTED, _VOLATILE = 0, 1, 0


class Fixed(NamedTuple):
    """What does not change while NVML is open."""

    name: str | None = None
    uuid: str | None = None
    slowdown_celsius: float | None = None
    shutdown_celsius: float | None = None


def name(read: Reader) -> str | None:
    """Return the product's name. Same as `nvidia-smi --query-gpu=name --format=csv`."""
    return _text(read.value(("nvmlDeviceGetName",)))


def uuid(read: Reader) -> str | None:
    """Return its name for good. Same as `nvidia-smi --query-gpu=uuid --format=csv`."""
    return _text(read.value(("nvmlDeviceGetUUID",)))


def threshold_celsius(read: Reader, kind: int) -> float | None:
    """Return where it slows down, or turns off. Same as `nvidia-smi -q -d TEMPERATURE`.

    GPUs since Ada may tell only how far away it is (`slowdown_margin_celsius`).
    """
    found: float | None = read.optional(("nvmlDeviceGetTemperatureThreshold", kind))
    return found


def fixed(read: Reader) -> Fixed:
    """Return what does not change. Same as `nvidia-smi -q`."""
    return Fixed(
        name=name(read),
        uuid=uuid(read),
        slowdown_celsius=threshold_celsius(read, _SLOWDOWN),
        shutdown_celsius=threshold_celsius(read, _SHUTDOWN),
    )


def ecc_errors(read: Reader, kind: int) -> int | None:
    """Return memory errors since the driver was loaded. Same as `nvidia-smi -q -d ECC`."""
    found: int | None = read.optional(("nvmlDeviceGetTotalEccErrors", kind, _VOLATILE))
    return found


def remapped_rows(read: Reader) -> tuple[int | None, int | None, bool | None, bool | None]:
    """Return rows replaced for errors put right and not; whether one waits, whether one failed.

    Same as `nvidia-smi -q -d ROW_REMAPPER`.
    """
    found = read.optional(("nvmlDeviceGetRemappedRows",))
    if found is None:
        return None, None, None, None
    return found[0], found[1], bool(found[2]), bool(found[3])


def pcie_link(read: Reader) -> tuple[int | None, int | None]:
    """Return generation and width of its link.

    Same as `nvidia-smi --query-gpu=pcie.link.gen.current,pcie.link.width.current --format=csv`.
    """
    return (
        read.optional(("nvmlDeviceGetCurrPcieLinkGeneration",)),
        read.optional(("nvmlDeviceGetCurrPcieLinkWidth",)),
    )


def pcie_replays(read: Reader) -> int | None:
    """Return packets sent once more: `Replays Since Reset` of `nvidia-smi -q`."""
    found: int | None = read.optional(("nvmlDeviceGetPcieReplayCounter",))
    return found


def processes(read: Reader) -> int | None:
    """Return how many processes compute on it.

    Same as `nvidia-smi --query-compute-apps=pid --format=csv,noheader | wc -l`.
    """
    found = read.optional(
        ("nvmlDeviceGetComputeRunningProcesses_v3",),
        ("nvmlDeviceGetComputeRunningProcesses_v2",),
    )
    return None if found is None else len(found)


def health(read: Reader) -> GpuHealth:
    """Return what changes seldom. Same as `nvidia-smi -q -d ECC,ROW_REMAPPER,PIDS`."""
    corrected, uncorrected, pending, failed = remapped_rows(read)
    generation, width = pcie_link(read)
    return GpuHealth(
        ecc_corrected=ecc_errors(read, _CORRECTED),
        ecc_uncorrected=ecc_errors(read, _UNCORRECTED),
        remapped_rows_corrected=corrected,
        remapped_rows_uncorrected=uncorrected,
        remap_pending=pending,
        remap_failed=failed,
        pcie_generation=generation,
        pcie_width=width,
        pcie_replays=pcie_replays(read),
        processes=processes(read),
    )


def _text(found: str | bytes | None) -> str | None:
    return found.decode(errors="replace") if isinstance(found, bytes) else found
