"""Which failures of a WebUI are failures of memory?

Covers: the words of torch, its libraries, the attention code's own check and the host's side, and
torch's count of out-of-memories, which tells where the words are lost: with anyio 4 A1111 answers
"ExceptionGroup", and Forge a plain 500. Pure.
Leaves out: what is done about it (`policy.oom_ladder`), the kernel's kills (`policy.oom`).
"""

from __future__ import annotations

import re
from enum import StrEnum


class Trouble(StrEnum):
    """What is wrong with a WebUI that failed a job."""

    #: Video memory ran out.
    VRAM = "vram"
    #: Memory of the host ran out.
    RAM = "ram"
    #: The CUDA context is broken: every later job fails too, until the process ends.
    STICKY = "sticky"
    #: The weights are not where they should be: loading them failed, or they were taken off.
    UNLOADED = "unloaded"


#: In this order: "CUDA error: out of memory" is no broken context, and an out-of-memory of the
#: host names the CPU.
_SIGNS: tuple[tuple[Trouble, re.Pattern[str]], ...] = (
    (
        Trouble.RAM,
        re.compile(
            r"DefaultCPUAllocator|can't allocate memory|Cannot allocate memory|\bMemoryError\b"
        ),
    ),
    (
        Trouble.VRAM,
        re.compile(
            r"OutOfMemoryError|out of memory|Not enough memory, use lower resolution"
            r"|CUBLAS_STATUS_ALLOC_FAILED"
            r"|CUDNN_STATUS_(ALLOC_FAILED|INTERNAL_ERROR|NOT_INITIALIZED)",
            re.IGNORECASE,
        ),
    ),
    (
        Trouble.STICKY,
        re.compile(
            r"illegal memory access|device-side assert|unspecified launch failure"
            r"|CUDA driver error|uncorrectable ECC|\bAcceleratorError\b",
            re.IGNORECASE,
        ),
    ),
    (
        Trouble.UNLOADED,
        re.compile(
            r"'NoneType' object has no attribute|Expected all tensors to be on the same device"
        ),
    ),
)


def of_words(text: str) -> Trouble | None:
    """Return what the text of a failure says is wrong, or None where it names no memory."""
    return next((trouble for trouble, pattern in _SIGNS if pattern.search(text)), None)


def of_count(
    said: Trouble | None, ooms_before: int | None, ooms_after: int | None
) -> Trouble | None:
    """Return what is wrong once torch's counts before and after a failure are known, too.

    A count that fell began anew with another process, and proves nothing.
    """
    if said is not None or ooms_before is None or ooms_after is None:
        return said
    return Trouble.VRAM if ooms_after > ooms_before else None
