"""Snapshots of which nothing, or everything, is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from podkeeper.model.gpu import Gpu, GpuHealth, Xid
from podkeeper.model.signal import SignalReading
from podkeeper.model.snapshot import (
    ContainerMemory,
    Cpu,
    Disk,
    Network,
    ProgramReading,
    Snapshot,
    Stall,
)
from podkeeper.model.webui_memory import Baseline, JobPeaks, WebUIMemory

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def program() -> Callable[..., ProgramReading]:
    """Return what makes a reading of which only what is given is known."""

    def make(name: str, role: str | None = None, **known: Any) -> ProgramReading:
        unknown = dict.fromkeys(ProgramReading.__struct_fields__)
        return ProgramReading(**{**unknown, "name": name, "role": role or name, **known})  # type: ignore[arg-type]

    return make


@pytest.fixture
def snapshot() -> Callable[..., Snapshot]:
    """Return what makes a snapshot of programs, of which only what is given is known."""

    def make(*programs: ProgramReading, **known: Any) -> Snapshot:
        values: dict[str, Any] = {
            "run_id": "run-1",
            "sequence": 1,
            "watchdog_pid": 2,
            "taken_at_s": 3.0,
            "taken_monotonic_s": 100.0,
            "memory": ContainerMemory(capacity_bytes=None, working_set_bytes=None, oom_kills=None),
            "cpu": Cpu(capacity_cores=None, used_cores=None),
            "disks": [],
            "network": Network(received_bytes=None, sent_bytes=None),
            "gpus": None,
            "programs": list(programs),
        }
        return Snapshot(**{**values, **known})

    return make


def told_memory() -> WebUIMemory:
    """Return a WebUI's word on its memory in which nothing is missing."""
    figures = {
        name: 1000 + place
        for place, name in enumerate(WebUIMemory.__struct_fields__)
        if name.endswith("_bytes") or name in ("retries", "ooms", "jobs")
    }
    return WebUIMemory(
        **figures,  # type: ignore[arg-type]
        taken_monotonic_s=99.0,
        extension=True,
        allocator="tcmalloc",
        checkpoints=["one", "two"],
        last_job=JobPeaks(number=3, ram_anon_peak_bytes=21, reserved_peak_bytes=22),
        baseline=Baseline(number=3, ram_anon_bytes=23, allocated_bytes=24),
    )


@pytest.fixture
def full(snapshot: Callable[..., Snapshot]) -> Snapshot:
    """Return a snapshot of which everything is known."""
    reading = ProgramReading(
        name='we"b\\ui\n',
        role="webui",
        state="RUNNING",
        pid=10,
        start_ticks=11,
        memory_bytes=12,
        rss_bytes=13,
        processes=2,
        threads=14,
        open_files=15,
        cpu_s=1.25,
        ready=True,
        readiness_detail="200 OK",
        alive=True,
        liveness_failures=0,
        liveness_detail="200 OK",
        io_bytes=16,
        stopped=False,
        swap_bytes=17,
        open_files_most=9,
        open_files_limit=1024,
        webui_memory=told_memory(),
    )
    gpu = Gpu(
        index=0,
        name="A GPU",
        memory_capacity_bytes=100,
        memory_used_bytes=50,
        utilization_ratio=0.5,
        temperature_celsius=60,
        power_watts=300.5,
        uuid="GPU-1",
        lost=False,
        memory_reserved_bytes=7,
        memory_utilization_ratio=0.25,
        slowdown_celsius=87,
        shutdown_celsius=92,
        slowdown_margin_celsius=-2,
        clock_limits=("sw_power_cap", "hw_slowdown"),
        power_limit_watts=350.0,
        recovery_action="none",
        health=GpuHealth(
            ecc_corrected=1,
            ecc_uncorrected=2,
            remapped_rows_corrected=3,
            remapped_rows_uncorrected=4,
            remap_pending=True,
            remap_failed=False,
            pcie_generation=4,
            pcie_width=16,
            pcie_replays=5,
            processes=6,
        ),
    )
    disk = Disk(
        path="/",
        capacity_bytes=9,
        available_bytes=8,
        capacity_inodes=7,
        available_inodes=6,
    )
    signal = SignalReading(
        kind="disk", subject="/", headroom=25.0, capacity=100.0, pressure="soft", exhausted_in_s=3.5
    )
    return snapshot(
        reading,
        memory=ContainerMemory(
            capacity_bytes=1 << 40,
            working_set_bytes=1 << 30,
            oom_kills=3,
            usage_bytes=1 << 31,
            anon_bytes=1 << 29,
            swap_bytes=0,
            limit_hits=21,
            high_hits=22,
        ),
        cpu=Cpu(
            capacity_cores=2.0,
            used_cores=0.125,
            used_s=1e9 / 3,
            wait_ratio=0.25,
            own_wait_ratio=0.5,
            periods=100,
            throttled_periods=25,
            throttled_s=1.5,
            throttled_ratio=0.125,
            runnable=5,
            machine_cores=4,
        ),
        memory_stall=Stall(some_ratio=0.75, full_ratio=0.5),
        io_stall=Stall(some_ratio=0.375, full_ratio=0.0),
        disks=[disk],
        network=Network(received_bytes=4, sent_bytes=5),
        gpus=[gpu],
        xids=[Xid(sequence=41, gpu=0, code=31, at_monotonic_s=98.0)],
        took_s=0.003,
        been_ready=True,
        signals=[signal],
    )
