"""What does torch hold on the GPU?

Covers: the caching allocator's counters, their peaks, the device, emptying the cache. Nothing here
is the first to use CUDA: that alone would take hundreds of megabytes.
"""

from __future__ import annotations

import sys
from typing import Any

from . import host
from .host import MissingError

#: Our names for torch's counters.
_COUNTERS = {
    "allocated_bytes": "allocated_bytes.all.current",
    "reserved_bytes": "reserved_bytes.all.current",
    "active_bytes": "active_bytes.all.current",
    "inactive_split_bytes": "inactive_split_bytes.all.current",
    "retries": "num_alloc_retries",
    "ooms": "num_ooms",
}
_PEAKS = {
    "allocated_peak_bytes": "allocated_bytes.all.peak",
    "reserved_peak_bytes": "reserved_bytes.all.peak",
}


def _cuda() -> Any:
    cuda = host.module("torch").cuda
    if not cuda.is_available():
        raise MissingError("torch sees no CUDA device")
    if not cuda.is_initialized():
        raise MissingError("CUDA is not in use yet")
    return cuda


def _index(cuda: Any) -> int:
    """Return the device that the WebUI computes on."""
    device = getattr(sys.modules.get("modules.devices"), "device", None)
    index = getattr(device, "index", None)
    return int(cuda.current_device() if index is None else index)


def _named(names: dict[str, str]) -> dict[str, int | None]:
    cuda = _cuda()
    stats = cuda.memory_stats(_index(cuda))
    return {ours: stats.get(theirs) for ours, theirs in names.items()}


def counters() -> dict[str, int | float | None]:
    """Return torch's counters. Same as `torch.cuda.memory_stats()`.

    The fragmentation is the share of reserved memory that lies unused between used pieces.

    Raises:
        MissingError: There is no torch, or it uses no GPU.
    """
    found: dict[str, int | float | None] = dict(_named(_COUNTERS))
    split, reserved = found["inactive_split_bytes"], found["reserved_bytes"]
    ratio = None if split is None or reserved is None else split / reserved if reserved else 0.0
    return {**found, "fragmentation_ratio": ratio}


def peaks() -> dict[str, int | None]:
    """Return the most that was held since `reset_peaks`, in bytes.

    Raises:
        MissingError: There is no torch, or it uses no GPU.
    """
    return _named(_PEAKS)


def reset_peaks() -> None:
    """Count peaks anew from here on.

    Raises:
        MissingError: There is no torch, or it uses no GPU.
    """
    cuda = _cuda()
    cuda.reset_peak_memory_stats(_index(cuda))


def device() -> dict[str, int]:
    """Return the whole device in bytes, other processes included. Same as `nvidia-smi`.

    Raises:
        MissingError: There is no torch, or it uses no GPU.
    """
    cuda = _cuda()
    free, total = cuda.mem_get_info(_index(cuda))
    return {"free_bytes": free, "total_bytes": total}


def empty() -> str:
    """Give torch's cache back to the device and return in words how.

    Raises:
        MissingError: There is no torch, or it uses no GPU.
    """
    cuda = _cuda()
    with cuda.device(_index(cuda)):
        cuda.empty_cache()
        cuda.ipc_collect()
    return "empty_cache, ipc_collect"
