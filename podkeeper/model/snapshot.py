"""What is known of the worker at one instant?

Covers: the snapshot that the watchdog writes and everyone else reads.
Leaves out: how each reading is taken (`podkeeper.probes`) and what it means (`podkeeper.policy`).
A reading that could not be taken is None, never 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from podkeeper.model.gpu import Gpu, Xid
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
    #: All that counts against the limit, files in the page cache included.
    usage_bytes: int | None = None
    #: What programs have taken for themselves; no file pages, no shared memory.
    anon_bytes: int | None = None
    #: What is swapped out.
    swap_bytes: int | None = None
    #: How often memory was wanted beyond the limit, and had to be freed first or was refused.
    limit_hits: int | None = None
    #: How often programs were slowed down above `memory.high`; cgroup v1 has no such line.
    high_hits: int | None = None


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
    #: The same of the container alone; None where the kernel keeps no such count (cgroup v1).
    own_wait_ratio: float | None = None
    #: Quota periods in which the container ran, and those in which it was made to stand still;
    #: None without a quota.
    periods: int | None = None
    throttled_periods: int | None = None
    #: How long it stood still, all processors added up.
    throttled_s: float | None = None
    #: Share of the periods since the last snapshot in which it was made to stand still; None where
    #: there was no period.
    throttled_ratio: float | None = None
    #: Threads of the machine that ran or waited for a processor at this instant.
    runnable: int | None = None
    #: Processors that the machine has for them.
    machine_cores: int | None = None


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the last 10 s processes waited for one resource (PSI)."""

    #: Share of the time in which at least one waited.
    some_ratio: float
    #: Share of the time in which all waited, so that nothing got on.
    full_ratio: float | None


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
    #: What of the memory is swapped out.
    swap_bytes: int | None = None
    #: Open files of the process of the tree that has most of them: the limit is for each.
    open_files_most: int | None = None
    #: How many the main process may have.
    open_files_limit: int | None = None
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
    #: The newest errors that the driver has reported since the watchdog's start, oldest first.
    xids: list[Xid] = []
    #: How long taking it lasted.
    took_s: float | None = None
    #: Whether this start could take a job at any instant up to now: tells starting from broken.
    been_ready: bool = False
    #: Waiting for memory and for disk I/O, of the container where the kernel tells it, else of the
    #: machine; None where it tells neither.
    memory_stall: Stall | None = None
    io_stall: Stall | None = None

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
