"""What does a WebUI's answer about its memory say?

Covers: the answers of podkeeper's extension and of A1111's own route, as one value. Pure.
Leaves out: asking (`podkeeper.probes.webui_memory`).
"""

from __future__ import annotations

import math

import msgspec

from podkeeper.model.webui_memory import Baseline, JobPeaks, WebUIMemory


class _Now(msgspec.Struct, frozen=True):
    current: float | None = None


class _System(msgspec.Struct, frozen=True):
    free: float | None = None
    total: float | None = None


class _Events(msgspec.Struct, frozen=True):
    retries: int | None = None
    oom: int | None = None


class _Ram(msgspec.Struct, frozen=True):
    used: float | None = None


class _Cuda(msgspec.Struct, frozen=True):
    system: _System = _System()
    active: _Now = _Now()
    allocated: _Now = _Now()
    reserved: _Now = _Now()
    inactive: _Now = _Now()
    events: _Events = _Events()


class _Own(msgspec.Struct, frozen=True):
    """What A1111's own route answers; without a card little of it."""

    ram: _Ram
    cuda: _Cuda = _Cuda()


class _ProcessRam(msgspec.Struct, frozen=True):
    anon_bytes: int | None = None
    rss_bytes: int | None = None


class _Allocator(msgspec.Struct, frozen=True):
    name: str


class _Device(msgspec.Struct, frozen=True):
    free_bytes: int | None = None
    total_bytes: int | None = None


class _Torch(msgspec.Struct, frozen=True):
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    active_bytes: int | None = None
    inactive_split_bytes: int | None = None
    retries: int | None = None
    ooms: int | None = None


class _Checkpoints(msgspec.Struct, frozen=True):
    names: list[str] | None = None


class _Jobs(msgspec.Struct, frozen=True):
    ended: int
    last: JobPeaks | None = None
    baseline: Baseline | None = None


class _Extended(msgspec.Struct, frozen=True):
    """What the extension answers."""

    jobs: _Jobs
    ram: _ProcessRam | None = None
    allocator: _Allocator | None = None
    device: _Device | None = None
    torch: _Torch | None = None
    checkpoints: _Checkpoints | None = None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and math.isfinite(value) else None


def of_own(body: bytes, taken_s: float) -> WebUIMemory:
    """Return what A1111's own route says.

    Raises:
        msgspec.MsgspecError: It is no such answer.
    """
    told = msgspec.json.decode(body, type=_Own)
    return WebUIMemory(
        taken_monotonic_s=taken_s,
        ram_rss_bytes=_whole(told.ram.used),
        device_free_bytes=_whole(told.cuda.system.free),
        device_total_bytes=_whole(told.cuda.system.total),
        allocated_bytes=_whole(told.cuda.allocated.current),
        reserved_bytes=_whole(told.cuda.reserved.current),
        active_bytes=_whole(told.cuda.active.current),
        inactive_bytes=_whole(told.cuda.inactive.current),
        retries=told.cuda.events.retries,
        ooms=told.cuda.events.oom,
    )


def of_extension(body: bytes, taken_s: float) -> WebUIMemory:
    """Return what podkeeper's extension says.

    Raises:
        msgspec.MsgspecError: It is no such answer.
    """
    told = msgspec.json.decode(body, type=_Extended)
    ram, device, torch = told.ram or _ProcessRam(), told.device or _Device(), told.torch or _Torch()
    return WebUIMemory(
        taken_monotonic_s=taken_s,
        extension=True,
        ram_anon_bytes=ram.anon_bytes,
        ram_rss_bytes=ram.rss_bytes,
        device_free_bytes=device.free_bytes,
        device_total_bytes=device.total_bytes,
        allocated_bytes=torch.allocated_bytes,
        reserved_bytes=torch.reserved_bytes,
        active_bytes=torch.active_bytes,
        inactive_bytes=torch.inactive_split_bytes,
        retries=torch.retries,
        ooms=torch.ooms,
        allocator=told.allocator.name if told.allocator else None,
        checkpoints=told.checkpoints.names if told.checkpoints else None,
        jobs=told.jobs.ended,
        last_job=told.jobs.last,
        baseline=told.jobs.baseline,
    )
