"""Which metrics does a snapshot give?

Covers: from the snapshot's values to samples. Pure.
Leaves out: those of the GPUs (`recorders.gpu_metrics`), those that a WebUI tells
(`recorders.webui_metrics`), writing them (`recorders.metrics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy.pressure import of_word
from podkeeper.recorders import gpu_metrics, webui_metrics
from podkeeper.recorders.metrics import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.signal import SignalReading
    from podkeeper.model.snapshot import Disk, ProgramReading, Snapshot


def _container(snapshot: Snapshot) -> Iterator[Sample]:
    memory, cpu, network = snapshot.memory, snapshot.cpu, snapshot.network
    yield Sample("podkeeper_container_memory_capacity_bytes", memory.capacity_bytes)
    yield Sample("podkeeper_container_memory_working_set_bytes", memory.working_set_bytes)
    yield Sample("podkeeper_container_oom_kills_total", memory.oom_kills)
    yield Sample("podkeeper_container_memory_usage_bytes", memory.usage_bytes)
    yield Sample("podkeeper_container_memory_anonymous_bytes", memory.anon_bytes)
    yield Sample("podkeeper_container_memory_swap_bytes", memory.swap_bytes)
    yield Sample("podkeeper_container_memory_limit_hits_total", memory.limit_hits)
    yield Sample("podkeeper_container_memory_high_hits_total", memory.high_hits)
    yield Sample("podkeeper_container_cpu_capacity_cores", cpu.capacity_cores)
    yield Sample("podkeeper_container_cpu_used_cores", cpu.used_cores)
    yield Sample("podkeeper_container_cpu_seconds_total", cpu.used_s)
    yield from _waiting(snapshot)
    yield Sample("podkeeper_network_received_bytes_total", network.received_bytes)
    yield Sample("podkeeper_network_sent_bytes_total", network.sent_bytes)


def _waiting(snapshot: Snapshot) -> Iterator[Sample]:
    cpu = snapshot.cpu
    yield Sample("podkeeper_container_cpu_wait_ratio", cpu.own_wait_ratio)
    yield Sample("podkeeper_container_cpu_periods_total", cpu.periods)
    yield Sample("podkeeper_container_cpu_throttled_periods_total", cpu.throttled_periods)
    yield Sample("podkeeper_container_cpu_throttled_seconds_total", cpu.throttled_s)
    yield Sample("podkeeper_container_cpu_throttled_ratio", cpu.throttled_ratio)
    yield Sample("podkeeper_machine_cpu_wait_ratio", cpu.wait_ratio)
    yield Sample("podkeeper_machine_runnable_threads", cpu.runnable)
    yield Sample("podkeeper_machine_cores", cpu.machine_cores)
    for resource, stall in (("memory", snapshot.memory_stall), ("io", snapshot.io_stall)):
        if stall is not None:
            yield Sample("podkeeper_stall_ratio", stall.some_ratio, (resource, "some"))
            yield Sample("podkeeper_stall_ratio", stall.full_ratio, (resource, "full"))


def _disk(disk: Disk) -> Iterator[Sample]:
    labels = (disk.path,)
    yield Sample("podkeeper_disk_capacity_bytes", disk.capacity_bytes, labels)
    yield Sample("podkeeper_disk_available_bytes", disk.available_bytes, labels)
    yield Sample("podkeeper_disk_capacity_inodes", disk.capacity_inodes, labels)
    yield Sample("podkeeper_disk_available_inodes", disk.available_inodes, labels)


def _program(program: ProgramReading) -> Iterator[Sample]:
    labels, state, ready = (program.name,), program.state, program.ready
    up = None if state is None else int(state == "RUNNING")
    yield Sample("podkeeper_program_up", up, labels)
    yield Sample("podkeeper_program_state", 1 if state else None, (*labels, state or ""))
    yield Sample("podkeeper_program_ready", None if ready is None else int(ready), labels)
    alive = None if program.alive is None else int(program.alive)
    yield Sample("podkeeper_program_alive", alive, labels)
    yield Sample("podkeeper_program_io_bytes_total", program.io_bytes, labels)
    yield Sample("podkeeper_program_memory_bytes", program.memory_bytes, labels)
    yield Sample("podkeeper_program_resident_memory_bytes", program.rss_bytes, labels)
    yield Sample("podkeeper_program_cpu_seconds_total", program.cpu_s, labels)
    yield Sample("podkeeper_program_processes", program.processes, labels)
    yield Sample("podkeeper_program_threads", program.threads, labels)
    yield Sample("podkeeper_program_open_files", program.open_files, labels)
    yield Sample("podkeeper_program_open_files_most", program.open_files_most, labels)
    yield Sample("podkeeper_program_open_files_limit", program.open_files_limit, labels)
    yield Sample("podkeeper_program_swap_bytes", program.swap_bytes, labels)
    yield from webui_metrics.samples(program.name, program.webui_memory)


def _signal(signal: SignalReading) -> Iterator[Sample]:
    labels = (signal.kind, signal.subject)
    size = signal.capacity
    left = None if signal.headroom is None or not size else signal.headroom / size
    yield Sample("podkeeper_headroom_ratio", left, labels)
    yield Sample("podkeeper_pressure", int(of_word(signal.pressure)), labels)
    yield Sample("podkeeper_exhausted_in_seconds", signal.exhausted_in_s, labels)


def samples(snapshot: Snapshot, version: str, now_monotonic_s: float) -> Iterator[Sample]:
    """Yield every sample of a snapshot, unknown ones with None."""
    age_s = max(0.0, now_monotonic_s - snapshot.taken_monotonic_s)
    yield Sample("podkeeper_build_info", 1, (version,))
    yield Sample("podkeeper_worker_ready", int(snapshot.ready))
    yield Sample("podkeeper_snapshots_total", snapshot.sequence)
    yield Sample("podkeeper_snapshot_age_seconds", age_s)
    yield Sample("podkeeper_snapshot_duration_seconds", snapshot.took_s)
    yield from _container(snapshot)
    for disk in snapshot.disks:
        yield from _disk(disk)
    yield from gpu_metrics.samples(snapshot.gpus or (), snapshot.xids)
    for program in snapshot.programs:
        yield from _program(program)
    for signal in snapshot.signals:
        yield from _signal(signal)
