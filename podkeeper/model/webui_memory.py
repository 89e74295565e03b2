"""How is a WebUI's memory, as it tells itself?

Covers: the value that the watchdog puts into the snapshot. What only podkeeper's extension tells is
None where the WebUI has none; what could not be read is None, never 0.
Leaves out: asking (`podkeeper.probes.webui_memory`), RAM as the kernel counts it (`snapshot`).
"""

from __future__ import annotations

import msgspec


class JobPeaks(msgspec.Struct, frozen=True, kw_only=True):
    """What the last job that ended took at most."""

    #: Counts up by one from the WebUI's start.
    number: int
    #: The WebUI's own word for it, such as scripts_txt2img.
    name: str | None = None
    took_s: float | None = None
    ended_monotonic_s: float | None = None
    checkpoint: str | None = None
    #: Sampled: a spike between two looks is not in it.
    ram_anon_peak_bytes: int | None = None
    ram_rss_peak_bytes: int | None = None
    #: Video memory of live tensors, and what torch had reserved for them.
    allocated_peak_bytes: int | None = None
    reserved_peak_bytes: int | None = None
    #: Allocations that first failed, and those that failed for good, of this job.
    retries: int | None = None
    ooms: int | None = None


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """What was still held when a job had been over for a while."""

    #: The job that it follows.
    number: int
    checkpoint: str | None = None
    #: How long the job had been over; less than wanted where the next one came sooner.
    after_s: float | None = None
    taken_monotonic_s: float | None = None
    #: Whether garbage was collected and free memory given back before.
    tidied: bool = False
    ram_anon_bytes: int | None = None
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None


class WebUIMemory(msgspec.Struct, frozen=True, kw_only=True):
    """One reading."""

    #: CLOCK_MONOTONIC when it was asked for.
    taken_monotonic_s: float
    #: Whether podkeeper's extension answered.
    extension: bool = False
    #: Why nothing could be read, in words.
    error: str | None = None
    #: RAM that only the process's end would free.
    ram_anon_bytes: int | None = None
    #: Resident memory, pages of mapped checkpoints included.
    ram_rss_bytes: int | None = None
    #: The whole device as the driver shows it to the WebUI.
    device_free_bytes: int | None = None
    device_total_bytes: int | None = None
    #: torch's caching allocator: live tensors, what it holds, what lies unused between used pieces.
    allocated_bytes: int | None = None
    reserved_bytes: int | None = None
    active_bytes: int | None = None
    inactive_bytes: int | None = None
    #: Allocations that first failed, and those that failed for good, since the WebUI's start.
    retries: int | None = None
    ooms: int | None = None
    #: Name of the allocator that serves its RAM: tcmalloc, jemalloc, glibc.
    allocator: str | None = None
    #: Checkpoints that it holds, the current one first.
    checkpoints: list[str] | None = None
    #: Jobs that have ended since its start.
    jobs: int | None = None
    last_job: JobPeaks | None = None
    baseline: Baseline | None = None

    @property
    def fragmentation_ratio(self) -> float | None:
        """Share of the reserved video memory that lies unused between used pieces."""
        if self.inactive_bytes is None or self.reserved_bytes is None:
            return None
        return self.inactive_bytes / self.reserved_bytes if self.reserved_bytes else 0.0
