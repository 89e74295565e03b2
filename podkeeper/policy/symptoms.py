"""What do a dead program's last lines say about why it left?

Covers: the words of common faults that end a program by its own exit. A signal's cause is known
from the kernel; only an exit code needs this.
Leaves out: everything but the lines (`policy.cause`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from podkeeper.policy.cause import Cause, Explanation

if TYPE_CHECKING:
    from collections.abc import Sequence

# The wording is that of the kernel (strerror), uvicorn, gradio, torch and CPython.
_SYMPTOMS: tuple[tuple[re.Pattern[str], Cause, str], ...] = (
    (
        re.compile(r"address already in use|cannot find empty port", re.IGNORECASE),
        Cause.PORT_TAKEN,
        "its port is taken",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE),
        Cause.DISK_FULL,
        "the disk is full",
    ),
    (
        re.compile(
            r"CUDA error|CUDNN_STATUS_|no CUDA-capable device|"
            r"NVIDIA driver on your system|Torch is not able to use GPU"
        ),
        Cause.GPU_ERROR,
        "the GPU failed",
    ),
    (
        re.compile(r"^MemoryError|DefaultCPUAllocator: can't allocate|Cannot allocate memory"),
        Cause.RAM_OOM,
        "it could not allocate RAM",
    ),
    (
        re.compile(r"ModuleNotFoundError|ImportError|cannot start .*: \[Errno"),
        Cause.BROKEN_INSTALL,
        "what it needs is not installed",
    ),
)


def read(lines: Sequence[str]) -> Explanation | None:
    """Return the fault that the newest telling line names, or None where none does."""
    for line in reversed(lines):
        for pattern, cause, sentence in _SYMPTOMS:
            if pattern.search(line):
                return Explanation(cause, sentence)
    return None


def refine(why: Explanation, lines: Sequence[str]) -> Explanation:
    """Return the explanation of an exit, made more exact by the last lines where they say more."""
    if why.cause != Cause.EXIT:
        return why
    found = read(lines)
    if found is None:
        return why
    return Explanation(found.cause, f"{why.sentence}: {found.sentence}")
