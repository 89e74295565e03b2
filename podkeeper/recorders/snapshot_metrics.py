"""Which metrics does a snapshot give?

Covers: from the snapshot's values to samples. Pure.
Leaves out: writing them (`recorders.metrics`), what a WebUI tells (`recorders.webui_metrics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy.pressure import of_word
from podkeeper.recorders import webui_metrics
from podkeeper.recorders.metrics import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.signal import SignalReading
    from podkeeper.model.snapshot import Disk, Gpu, ProgramReading, Snapshot


def _container(snapshot: Snapshot) -> Iterator[Sample]:
    memory, cpu, network = snapshot.memory, snapshot.cpu, snapshot.network
    yield Sample("podkeeper_container_memory_capacity_bytes", memory.capacity_bytes)
    yield Sample("podkeeper_container_memory_working_set_bytes", memory.working_set_bytes)
    yield Sample("podkeeper_container_oom_kills_total", memory.oom_kills)
    yield Sample("podkeeper_container_cpu_capacity_cores", cpu.capacity_cores)
    yield Sample("podkeeper_container_cpu_used_cores", cpu.used_cores)
    yield Sample("podkeeper_container_cpu_seconds_total", cpu.used_s)
    yield Sample("podkeeper_network_received_bytes_total", network.received_bytes)
    yield Sample("podkeeper_network_sent_bytes_total", network.sent_bytes)


def _disk(disk: Disk) -> Iterator[Sample]:
    labels = (disk.path,)
    yield Sample("podkeeper_disk_capacity_bytes", disk.capacity_bytes, labels)
    yield Sample("podkeeper_disk_available_bytes", disk.available_bytes, labels)
    yield Sample("podkeeper_disk_capacity_inodes", disk.capacity_inodes, labels)
    yield Sample("podkeeper_disk_available_inodes", disk.available_inodes, labels)


def _gpu(gpu: Gpu) -> Iterator[Sample]:
    labels = (str(gpu.index),)
    yield Sample("podkeeper_gpu_info", 1 if gpu.name else None, (*labels, gpu.name or ""))
    yield Sample("podkeeper_gpu_memory_capacity_bytes", gpu.memory_capacity_bytes, labels)
    yield Sample("podkeeper_gpu_memory_used_bytes", gpu.memory_used_bytes, labels)
    yield Sample("podkeeper_gpu_utilization_ratio", gpu.utilization_ratio, labels)
    yield Sample("podkeeper_gpu_temperature_celsius", gpu.temperature_celsius, labels)
    yield Sample("podkeeper_gpu_power_watts", gpu.power_watts, labels)


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
    for gpu in snapshot.gpus or ():
        yield from _gpu(gpu)
    for program in snapshot.programs:
        yield from _program(program)
    for signal in snapshot.signals:
        yield from _signal(signal)
