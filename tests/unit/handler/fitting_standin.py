"""What jobs are fitted with in tests: the real planner, a card that says what it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from handler_standins import StandInWebUI

from handler.calibrations import Calibrations
from handler.making import Fitting
from handler.planning import Planner, Watched
from handler.remedies import Restarts
from podkeeper import atomic
from podkeeper.errors import SupervisordError
from podkeeper.model import snapshot
from podkeeper.model.gpu import Gpu
from podkeeper.model.snapshot import (
    ContainerMemory,
    Cpu,
    Network,
    ProgramReading,
    Snapshot,
)
from podkeeper.settings import vram
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

TABLE = vram.read()
DEFAULTS = load(Source()).settings.planning
MIB = 1 << 20
RAM_LIMIT_BYTES = 2 << 30
OOM = b'{"error":"OutOfMemoryError","detail":"","body":"","errors":"CUDA out of memory."}'
OUT_OF_MEMORY = (500, "application/json", OOM)


class FakeKeeper:
    """Takes orders as supervisord's plugin does, and restarts the named program in the snapshot."""

    def __init__(self, path: Path, *, obeys: bool = True, reachable: bool = True) -> None:
        self._path = path
        self._obeys = obeys
        self._reachable = reachable
        self.orders: list[tuple[str, str]] = []
        self.on_restart: Callable[[], None] = lambda: None

    def order(self, name: str, argument: str = "") -> int:
        """Take an order."""
        if not self._reachable:
            raise SupervisordError("cannot reach supervisord")
        self.orders.append((str(name), argument))
        if self._obeys:
            self.on_restart()
            write_snapshot(self._path, pid=1000 + len(self.orders))
        return len(self.orders)


def write_snapshot(path: Path, *, pid: int = 1000, gpu_bytes: int | None = None) -> None:
    """Leave a snapshot with one WebUI and, where given, one GPU."""
    reading = ProgramReading(
        name="webui-0",
        state="RUNNING",
        pid=pid,
        start_ticks=pid,
        **dict.fromkeys(
            ("memory_bytes", "rss_bytes", "processes", "threads", "open_files", "cpu_s", "ready")
        ),
        readiness_detail=None,
    )
    gpu = Gpu(
        index=0,
        name="card",
        memory_capacity_bytes=gpu_bytes,
        **dict.fromkeys(
            ("memory_used_bytes", "utilization_ratio", "temperature_celsius", "power_watts")
        ),
    )
    seen = Snapshot(
        run_id="run",
        sequence=1,
        watchdog_pid=1,
        taken_at_s=0.0,
        taken_monotonic_s=0.0,
        memory=ContainerMemory(capacity_bytes=None, working_set_bytes=None, oom_kills=None),
        cpu=Cpu(capacity_cores=None, used_cores=None),
        disks=[],
        network=Network(received_bytes=None, sent_bytes=None),
        gpus=None if gpu_bytes is None else [gpu],
        programs=[reading],
    )
    atomic.write(path, snapshot.dump(seen))


def fitting(folder: Path, keeper: FakeKeeper | None = None, **changes: Any) -> Fitting:
    """Return what jobs are fitted with, quick, with these settings changed."""
    quick = {"reclaim_wait_s": 0.001, "reading_age_s": 0.0, **changes}
    chosen = msgspec.structs.replace(DEFAULTS, **quick)
    path = folder / "snapshot.json"
    known = Calibrations(folder / "memory.json", TABLE.calibration, chosen.calibration_ratio)
    restarts = Restarts(keeper or FakeKeeper(path), path, wait_s=0.3, period_s=0.01)  # type: ignore[arg-type]
    return Fitting(
        Planner(chosen, TABLE, known, Watched(path, {"webui-0": 0}, {"webui-0": 2 << 30})), restarts
    )


class CardWebUI(StandInWebUI):
    """A WebUI that speaks of its card: as A1111 does, and as podkeeper's extension where told to.

    Every job leaves the peak that `peaks` names next, if any.
    """

    def __init__(self, total_bytes: int, *, extension: bool = False, **options: Any) -> None:
        super().__init__()
        self.total_bytes = total_bytes
        self.weights_bytes = TABLE.family["sd15"].weights_bytes
        self.peaks: list[int] = []
        self.record_bytes = self.job_peak_bytes = self.weights_bytes
        self.ooms = self.jobs = 0
        self.posts: list[str] = []
        self.lists |= {
            "memory": self.memory,
            "cmd-flags": {"opt_sdp_attention": True, "medvram": False, "api_auth": "secret"},
            "options": {"sd_model_checkpoint": "tinyA.safetensors [b86c3b871f]", **options},
        }
        if extension:
            self.lists["/podkeeper/memory"] = self.extension

    @property
    def free_bytes(self) -> int:
        """Return what is free beside the weights and the context."""
        return self.total_bytes - self.weights_bytes - TABLE.terms.context_bytes

    def memory(self) -> dict[str, Any]:
        """Return what A1111 answers."""
        counters = {"current": self.weights_bytes, "peak": self.record_bytes}
        system = {"free": self.free_bytes, "used": 0, "total": self.total_bytes}
        events = {"retries": 0, "oom": self.ooms}
        return {"ram": {}, "cuda": {"system": system, "reserved": counters, "events": events}}

    def extension(self) -> dict[str, Any]:
        """Return what podkeeper's extension answers."""
        return {
            "device": {"free_bytes": self.free_bytes, "total_bytes": self.total_bytes},
            "torch": {"reserved_bytes": self.weights_bytes, "ooms": self.ooms},
            "jobs": {"ended": self.jobs, "last": {"reserved_peak_bytes": self.job_peak_bytes}},
        }

    def serve(self, http: BaseHTTPRequestHandler, body: bytes) -> None:
        """Answer one request."""
        name = http.path.removeprefix("/sdapi/v1/")
        if http.command == "POST" and name in ("unload-checkpoint", "reload-checkpoint"):
            self.posts.append(name)
            self.reply(http, {})
        elif callable(self.lists.get(name)):
            self.reply(http, self.lists[name]())
        else:
            super().serve(http, body)

    def _act(self, http: BaseHTTPRequestHandler, body: dict[str, Any], deed: Any) -> None:
        self.jobs += 1
        if deed == OUT_OF_MEMORY:
            self.ooms += 1
        if self.peaks:
            self.job_peak_bytes = self.peaks.pop(0)
            self.record_bytes = max(self.record_bytes, self.job_peak_bytes)
        super()._act(http, body, deed)
