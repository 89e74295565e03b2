"""Which metrics does a WebUI's own word on its memory give?

Covers: from one reading to samples. Pure.
Leaves out: RAM as the kernel counts it (`recorders.snapshot_metrics`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.recorders.metrics import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.webui_memory import Baseline, JobPeaks, WebUIMemory


def _torch(told: WebUIMemory, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample("podkeeper_webui_device_free_bytes", told.device_free_bytes, labels)
    yield Sample("podkeeper_webui_torch_allocated_bytes", told.allocated_bytes, labels)
    yield Sample("podkeeper_webui_torch_reserved_bytes", told.reserved_bytes, labels)
    yield Sample("podkeeper_webui_torch_active_bytes", told.active_bytes, labels)
    yield Sample("podkeeper_webui_torch_inactive_bytes", told.inactive_bytes, labels)
    yield Sample("podkeeper_webui_torch_fragmentation_ratio", told.fragmentation_ratio, labels)
    yield Sample("podkeeper_webui_torch_retries_total", told.retries, labels)
    yield Sample("podkeeper_webui_torch_ooms_total", told.ooms, labels)


def _job(job: JobPeaks, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample("podkeeper_webui_job_peak_ram_bytes", job.ram_anon_peak_bytes, labels)
    yield Sample("podkeeper_webui_job_peak_vram_bytes", job.reserved_peak_bytes, labels)


def _baseline(baseline: Baseline, labels: tuple[str, ...]) -> Iterator[Sample]:
    yield Sample("podkeeper_webui_baseline_ram_bytes", baseline.ram_anon_bytes, labels)
    yield Sample("podkeeper_webui_baseline_vram_bytes", baseline.allocated_bytes, labels)


def samples(program: str, told: WebUIMemory | None) -> Iterator[Sample]:
    """Yield every sample of one reading, unknown ones with None; nothing without a reading."""
    if told is None or told.error is not None:
        return
    labels, names = (program,), told.checkpoints
    yield Sample("podkeeper_webui_extension", int(told.extension), labels)
    known = 1 if told.allocator else None
    yield Sample("podkeeper_webui_allocator_info", known, (*labels, told.allocator or ""))
    yield Sample("podkeeper_webui_checkpoints", None if names is None else len(names), labels)
    yield Sample("podkeeper_webui_jobs_total", told.jobs, labels)
    yield from _torch(told, labels)
    if told.last_job is not None:
        yield from _job(told.last_job, labels)
    if told.baseline is not None:
        yield from _baseline(told.baseline, labels)
