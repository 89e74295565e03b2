"""What is known of the worker at one instant?

Covers: the snapshot that the watchdog writes and everyone else reads.
Leaves out: how each reading is taken (`podkeeper.probes`) and what it means (`podkeeper.policy`).
A reading that could not be taken is None, never 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from podkeeper.model.signal import SignalReading
from podkeeper.model.webui_memory import WebUIMemory

if TYPE_CHECKING:
    from pathlib import Path


class ContainerMemory(msgspec.Struct, frozen=True, kw_only=True):
    """RAM of the container as the kernel counts it."""

    #: The smallest limit that applies.
    capacity_bytes: int | None
    #: What cannot be dropped without harm: usage less inactive file pages.
    working_set_bytes: int | None
    #: Kernel out-of-memory kills in this container since it started.
    oom_kills: int | None


class Cpu(msgspec.Struct, frozen=True, kw_only=True):
    """Processor time of the container."""

    #: Cores this container may use at once, by quota and affinity.
    capacity_cores: float | None
    #: Cores in use on average since the last snapshot.
    used_cores: float | None
    #: Processor time used since the container started.
    used_s: float | None = None
    #: Share of the time in which some process of the machine waited for a processor.
    wait_ratio: float | None = None


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """One file system that matters to the worker."""

    path: str
    capacity_bytes: int | None
    available_bytes: int | None
    capacity_inodes: int | None
    available_inodes: int | None


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic of all interfaces but loopback, counted since boot."""

    received_bytes: int | None
    sent_bytes: int | None


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
    #: What NVML said instead of a reading, in words; None where everything could be read.
    error: str | None = None


class ProgramReading(msgspec.Struct, frozen=True, kw_only=True):
    """One program and the process tree it is made of."""

    name: str
    #: What the program is for, in the plan's words: webui, handler and so on.
    role: str = ""
    #: supervisord's word for its state, such as RUNNING; None where supervisord did not answer.
    state: str | None
    pid: int | None
    #: Start of the main process in clock ticks since boot: with the pid it names one process.
    start_ticks: int | None
    #: RAM that only killing would free: anonymous and shared memory and swap of the whole tree.
    memory_bytes: int | None
    #: Resident memory of the tree, file pages included, shared pages counted once per process.
    rss_bytes: int | None
    processes: int | None
    threads: int | None
    open_files: int | None
    #: Processor time the tree has used so far.
    cpu_s: float | None
    #: None where the program has no readiness probe or it has not been asked yet.
    ready: bool | None
    #: What the last readiness probe saw, in words.
    readiness_detail: str | None
    #: Whether its last liveness probe succeeded; None where it has none or was not asked yet.
    alive: bool | None = None
    #: Liveness probes that failed since the last that succeeded.
    liveness_failures: int | None = None
    #: What the last liveness probe saw, in words.
    liveness_detail: str | None = None
    #: Bytes the tree has read from files and devices and written to devices so far.
    io_bytes: int | None = None
    #: Whether the main process is stopped, by SIGSTOP or a terminal.
    stopped: bool | None = None
    #: What a WebUI tells of its memory; None of other programs and before it was asked.
    webui_memory: WebUIMemory | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the watchdog knows at one instant."""

    run_id: str
    #: Counts up by one from the watchdog's start.
    sequence: int
    watchdog_pid: int
    #: Wall clock, for people and records.
    taken_at_s: float
    #: CLOCK_MONOTONIC, the same for all processes of the machine: for ages.
    taken_monotonic_s: float
    memory: ContainerMemory
    cpu: Cpu
    disks: list[Disk]
    network: Network
    #: None where there is no NVML; empty where it sees no GPU.
    gpus: list[Gpu] | None
    programs: list[ProgramReading]
    #: How near everything is to its limit.
    signals: list[SignalReading] = []
    #: How long taking it lasted.
    took_s: float | None = None
    #: Whether this start could take a job at any instant up to now: tells starting from broken.
    been_ready: bool = False

    @property
    def ready(self) -> bool:
        """Whether a job can be taken now: the handler runs and at least one WebUI is ready.

        While supervisord does not say whether the handler runs, its process says so.
        """
        handler = any(
            each.state == "RUNNING" or (each.state is None and each.pid is not None)
            for each in self.programs
            if each.role == "handler"
        )
        return handler and any(each.role == "webui" and each.ready for each in self.programs)

    def program(self, name: str) -> ProgramReading | None:
        """Return the reading of one program, or None where there is none."""
        return next((each for each in self.programs if each.name == name), None)


def dump(snapshot: Snapshot) -> bytes:
    """Return the snapshot as JSON."""
    return msgspec.json.encode(snapshot)


def parse(data: bytes) -> Snapshot | None:
    """Return the snapshot that `dump` wrote, or None where the bytes are none of ours."""
    try:
        return msgspec.json.decode(data, type=Snapshot)
    except msgspec.MsgspecError:
        return None


def read(path: Path) -> Snapshot | None:
    """Return the snapshot in a file, or None where there is no file or no snapshot in it.

    Raises:
        OSError: The file is there and cannot be read.
    """
    try:
        return parse(path.read_bytes())
    except FileNotFoundError:
        return None
