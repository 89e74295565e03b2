"""What can be set, of which type and within which bounds?

Covers: names, types and bounds. The defaults and what each setting is for stand once, in
`conf/defaults.toml`.
Leaves out: rules between settings (`settings.rules`), where values come from (`settings.layers`).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from podkeeper.settings.cpu import CpuSettings
from podkeeper.settings.disk import DiskSettings
from podkeeper.settings.extension import ExtensionSettings
from podkeeper.settings.forecast import ForecastSettings
from podkeeper.settings.gpu import GpuSettings
from podkeeper.settings.isolation import IsolatedSection, PlacedSection
from podkeeper.settings.journal import JournalSettings
from podkeeper.settings.kinds import (
    QUANTITY,
    SECRET,
    WORDS,
    Count,
    Environment,
    Folder,
    MemoryAmount,
    Names,
    Port,
    Ratio,
    RatioAboveZero,
    Section,
    Size,
    SizeAboveZero,
    Span,
    SpanAboveZero,
)
from podkeeper.settings.leak import LeakSettings
from podkeeper.settings.memory import MemorySettings, ThresholdSettings
from podkeeper.settings.planning import PlanningSettings
from podkeeper.settings.platform import PlatformSettings
from podkeeper.settings.sim_webui import SimWebUISettings


class WorkerSettings(Section, frozen=True):
    """The worker as a whole."""

    profile: str
    runtime_dir: Folder
    state_dir: Folder
    open_files: Annotated[int, Meta(ge=256)]
    umask: Annotated[str, Meta(pattern="^0?[0-7]{3}$", extra={WORDS: "three octal digits"})]
    base_environment: Names
    hurry_wait_s: Span


class WebUISettings(IsolatedSection, frozen=True):
    """The WebUI program."""

    command: str
    directory: Folder
    instances: Annotated[int, Meta(ge=1, le=16)]
    port: Port
    readiness_path: Annotated[str, Meta(pattern="^/", extra={WORDS: "a path beginning with /"})]
    probe_period_s: SpanAboveZero
    probe_timeout_s: SpanAboveZero
    startup_deadline_s: SpanAboveZero
    liveness_kind: Literal["http", "tcp", "exec", "none"]
    liveness_path: Annotated[
        str, Meta(pattern="^(/.*)?$", extra={WORDS: "empty or a path beginning with /"})
    ]
    liveness_port: Annotated[int, Meta(ge=0, le=65535)]
    liveness_command: str
    liveness_period_s: SpanAboveZero
    liveness_timeout_s: SpanAboveZero
    liveness_failures: Count
    stall_s: SpanAboveZero
    stall_cpu_ratio: Ratio
    stall_gpu_ratio: Ratio
    stall_io_bytes: Size
    stop_wait_s: SpanAboveZero
    memory_soft: MemoryAmount
    memory_hard: MemoryAmount
    environment: Environment
    pass_environment: Names
    user: str
    allow_listen: bool


class HandlerSettings(IsolatedSection, frozen=True):
    """The handler program and what it lets through."""

    command: str
    stop_wait_s: SpanAboveZero
    memory_soft: MemoryAmount
    memory_hard: MemoryAmount
    environment: Environment
    pass_environment: Names
    user: str
    job_timeout_s: SpanAboveZero
    ready_wait_s: SpanAboveZero
    attempts: Count
    progress_period_s: SpanAboveZero
    progress_timeout_s: SpanAboveZero
    work_period_s: SpanAboveZero
    silence_s: SpanAboveZero
    interrupt_wait_s: SpanAboveZero
    progress_step_ratio: Ratio
    max_pixels: Count
    max_images: Count
    max_steps: Count
    max_prompt_bytes: SizeAboveZero
    max_init_image_bytes: SizeAboveZero
    max_result_bytes: SizeAboveZero
    allowed_scripts: Names


class RunpodSettings(Section, frozen=True):
    """What the RunPod SDK is told."""

    api_key: Annotated[str, Meta(extra={SECRET: True})]
    ping_interval_s: Annotated[float, Meta(ge=1, extra={QUANTITY: "span"})]
    log_level: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    system_checks: bool


class WatchdogSettings(PlacedSection, frozen=True):
    """The watchdog program."""

    address: str
    port: Port
    max_connections: Count
    request_deadline_s: SpanAboveZero
    period_s: SpanAboveZero
    calm_period_s: SpanAboveZero
    calm_ratio: Ratio
    fast_period_s: SpanAboveZero
    fast_cpu_ratio: RatioAboveZero
    fill_bytes_per_s: SizeAboveZero
    scan_period_s: SpanAboveZero
    states_period_s: SpanAboveZero
    states_timeout_s: SpanAboveZero
    ready_probe_period_s: SpanAboveZero
    disks: Names
    disk_period_s: SpanAboveZero
    gpu_period_s: SpanAboveZero
    gpu_retry_s: SpanAboveZero
    max_reading_age_s: SpanAboveZero
    stop_wait_s: SpanAboveZero
    memory_soft: MemoryAmount
    memory_hard: MemoryAmount


class KeeperSettings(PlacedSection, frozen=True):
    """The keeper program."""

    tick_s: Annotated[float, Meta(gt=0, le=60, extra={QUANTITY: "span"})]
    states_period_s: SpanAboveZero
    wakeup: bool
    silence_s: SpanAboveZero
    watchdog_silence_s: SpanAboveZero
    watchdog_grace_s: Span
    event_buffer: Count
    take_down_wait_s: SpanAboveZero
    stopped_s: SpanAboveZero
    dump_command: str
    dump_wait_s: SpanAboveZero
    dump_max_bytes: SizeAboveZero
    dump_files: Count
    sweep_wait_s: SpanAboveZero
    oom_wait_s: Span


class RestartSettings(Section, frozen=True):
    """How programs are restarted, and when the keeper gives up."""

    backoff_first_s: SpanAboveZero
    backoff_factor: Annotated[float, Meta(ge=1)]
    backoff_max_s: SpanAboveZero
    jitter_ratio: Ratio
    reset_after_s: SpanAboveZero
    budget: Count
    budget_window_s: SpanAboveZero
    escalation: Literal["exit", "refresh", "hold"]
    exit_code: Annotated[int, Meta(ge=1, le=125)]


class LogSettings(Section, frozen=True):
    """Where lines go."""

    level: Literal["debug", "info", "warning", "error"]
    dir: Folder
    max_bytes: SizeAboveZero
    backups: Annotated[int, Meta(ge=0)]
    rate_bytes_per_s: SizeAboveZero
    burst_bytes: SizeAboveZero


class LedgerSettings(Section, frozen=True):
    """The ledger's bounds."""

    max_bytes: SizeAboveZero
    busy_timeout_s: SpanAboveZero


class Settings(Section, frozen=True):
    """All settings of one worker."""

    worker: WorkerSettings
    webui: WebUISettings
    handler: HandlerSettings
    planning: PlanningSettings
    journal: JournalSettings
    runpod: RunpodSettings
    watchdog: WatchdogSettings
    keeper: KeeperSettings
    restart: RestartSettings
    memory: MemorySettings
    thresholds: ThresholdSettings
    cpu: CpuSettings
    gpu: GpuSettings
    forecast: ForecastSettings
    leak: LeakSettings
    disk: DiskSettings
    extension: ExtensionSettings
    logs: LogSettings
    ledger: LedgerSettings
    platform: PlatformSettings
    sim_webui: SimWebUISettings


@cache
def sections() -> dict[str, type[Section]]:
    """Return the sections' types by name, in the order of the file."""
    return {field.name: field.type for field in msgspec.structs.fields(Settings)}


@cache
def leaf_types() -> dict[str, Any]:
    """Return the type of every setting by its path, such as `webui.port`."""
    return {
        f"{section}.{field.name}": field.type
        for section, kind in sections().items()
        for field in msgspec.structs.fields(kind)
    }


def extra_of(kind: Any) -> dict[str, Any]:
    """Return what a field's type carries beside its bounds: its quantity, whether it is secret."""
    for mark in getattr(kind, "__metadata__", ()):
        if isinstance(mark, Meta) and mark.extra:
            return mark.extra
    return {}
