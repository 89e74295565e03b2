"""Why did a process end?

Covers: from what the kernel said and what was known before to one cause and a sentence.
Leaves out: what to do about it (`policy.restarts`).
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a program went down or was taken down. The value is the word in logs and metrics."""

    EXIT = "exit"
    SIGNAL = "signal"
    KERNEL_OOM = "kernel_oom"
    MEMORY_SOFT = "memory_soft"
    MEMORY_HARD = "memory_hard"
    CONTAINER_MEMORY = "container_memory"
    VRAM = "vram"
    #: Memory that grows from job to job.
    LEAK = "leak"
    DISK_LOW = "disk_low"
    INODES_LOW = "inodes_low"
    OPEN_FILES = "open_files"
    STARTUP_FAILED = "startup_failed"
    SILENT = "silent"
    HANG = "hang"
    SPAWN_FAILED = "spawn_failed"
    #: An operator asked for it; it is no incident.
    REQUESTED = "requested"
    PORT_TAKEN = "port_taken"
    DISK_FULL = "disk_full"
    #: A program's last lines say so.
    GPU_ERROR = "gpu_error"
    GPU_LOST = "gpu_lost"
    #: Its driver asks for a reset.
    GPU_RESET = "gpu_reset"
    #: Its driver has reported an error.
    GPU_XID = "gpu_xid"
    #: Memory errors that were not put right, or rows that were or could not be replaced.
    GPU_ECC = "gpu_ecc"
    GPU_HOT = "gpu_hot"
    #: Its power supply slows it down.
    GPU_POWER = "gpu_power"
    #: GPU memory of a dead program that does not come back.
    VRAM_ORPHAN = "vram_orphan"
    VRAM_FRAGMENTED = "vram_fragmented"
    RAM_OOM = "ram_oom"
    BROKEN_INSTALL = "broken_install"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class End:
    """How a process ended, as far as it is known."""

    #: None when a signal ended it or nothing is known.
    exit_code: int | None = None
    signal: int | None = None
    dumped_core: bool = False
    #: Kernel out-of-memory kills counted before and after; None where they cannot be read.
    oom_kills_before: int | None = None
    oom_kills_after: int | None = None
    #: What the keeper was doing to it, if it was the keeper.
    own_cause: Cause | None = None


@dataclass(frozen=True)
class Explanation:
    """A cause and a sentence for people."""

    cause: Cause
    sentence: str


_OWN_SENTENCES = {
    Cause.MEMORY_HARD: "taken down over its memory limit",
    Cause.CONTAINER_MEMORY: "taken down because the container's memory ran out",
    Cause.VRAM: "taken down because the GPU's memory ran out",
    Cause.OPEN_FILES: "taken down because it could soon open no more files",
    Cause.STARTUP_FAILED: "taken down because it did not become ready",
    Cause.REQUESTED: "taken down on request",
    Cause.SILENT: "ran but had stopped watching, and was killed",
}


def signal_name(number: int) -> str:
    """Return SIGKILL for 9, and `signal 99` for what has no name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _oom_killed(end: End) -> bool:
    if end.oom_kills_before is None or end.oom_kills_after is None:
        return False
    return end.signal == signal.SIGKILL and end.oom_kills_after > end.oom_kills_before


def explain(end: End) -> Explanation:
    """Return why the process ended.

    The keeper's own deed wins over the signal it used; the kernel's counter tells its
    out-of-memory kill from anybody else's SIGKILL.
    """
    if end.own_cause is not None:
        return Explanation(end.own_cause, _OWN_SENTENCES.get(end.own_cause, "taken down"))
    if _oom_killed(end):
        return Explanation(Cause.KERNEL_OOM, "killed by the kernel: out of memory (SIGKILL)")
    if end.signal is not None:
        core = ", core dumped" if end.dumped_core else ""
        return Explanation(Cause.SIGNAL, f"killed by {signal_name(end.signal)}{core}")
    if end.exit_code is not None:
        return Explanation(Cause.EXIT, f"exited with code {end.exit_code}")
    return Explanation(Cause.UNKNOWN, "ended, and how was not seen")
