"""How is the worker, again and again?

Covers: taking a snapshot at a steady pace from all sensors and handing it on.
Leaves out: judging it and acting on it (the keeper), serving it (`podkeeper.console`).
"""

from __future__ import annotations

import logging
import os
import queue
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper import atomic, hint
from podkeeper.loops import news
from podkeeper.loops.fastlane import FastLane
from podkeeper.loops.gauges import Gauges
from podkeeper.loops.sensors import ContainerSensors, ProgramSensors
from podkeeper.model import snapshot as snapshots
from podkeeper.model.snapshot import Snapshot
from podkeeper.policy import pace
from podkeeper.policy.pace import Rates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from podkeeper.probes.background import Background
    from podkeeper.probes.readiness import ReadinessProbe
    from podkeeper.probes.webui_memory import WebUIMemoryProbe
    from podkeeper.settings.plan import Plan
    from podkeeper.supervisord import ProgramInfo


def _rates(plan: Plan) -> Rates:
    chosen = plan.settings.watchdog
    return Rates(chosen.fill_bytes_per_s, chosen.fast_period_s, chosen.fast_cpu_ratio)


logger = logging.getLogger(__name__)

#: Snapshots out of turn come no faster than this share of the period, unless a line was crossed.
_EARLIEST_RATIO = 0.1


class Watchdog:
    """Takes snapshots, one after the other, and knows the newest."""

    def __init__(
        self,
        plan: Plan,
        ask: Callable[[], list[ProgramInfo]],
        supervisord_pid: int,
        environ: Mapping[str, str],
        root: Path = Path("/"),
    ) -> None:
        self._plan = plan
        # Unlike an Event, this may be put to from a signal handler that interrupts the wait.
        self._hints: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = False
        self._supervisord_pid = supervisord_pid
        self._container = ContainerSensors(plan, environ, root)
        self._programs = ProgramSensors(plan, ask, supervisord_pid, root, self._hint)
        self._sequence = 0
        before = self._before()
        self._been_ready = before is not None and before.been_ready
        self._gauges = Gauges(plan, before)
        webuis = {each.name for each in plan.of_role("webui")}
        self._lane = FastLane(_rates(plan), webuis, self._container.working_set, root)
        self._writable = True
        #: The newest snapshot; None before the first.
        self.newest: Snapshot | None = None

    def _before(self) -> Snapshot | None:
        """Return the last snapshot of an earlier life of the watchdog in this start."""
        before = snapshots.read(self._plan.snapshot_path)
        return before if before is not None and before.run_id == self._plan.run_id else None

    def take(self) -> Snapshot:
        """Return how everything is now."""
        begun_s = time.monotonic()
        self._sequence += 1
        snapshot = Snapshot(
            run_id=self._plan.run_id,
            sequence=self._sequence,
            watchdog_pid=os.getpid(),
            taken_at_s=time.time(),
            taken_monotonic_s=begun_s,
            memory=self._container.memory(),
            cpu=self._container.cpu(begun_s),
            disks=self._container.disks(),
            network=self._container.network(),
            gpus=self._container.gpus(),
            xids=self._container.xids(),
            programs=self._programs.readings(),
            memory_stall=self._container.memory_stall(),
            io_stall=self._container.io_stall(),
        )
        self._been_ready = self._been_ready or snapshot.ready
        return msgspec.structs.replace(
            snapshot,
            signals=self._gauges.look(snapshot),
            been_ready=self._been_ready,
            took_s=time.monotonic() - begun_s,
        )

    def _write(self, snapshot: Snapshot) -> None:
        """Write a snapshot; a full disk is said once, and the keeper sees its age."""
        path = self._plan.snapshot_path
        try:
            atomic.write(path, snapshots.dump(snapshot))
        except OSError as error:
            if self._writable:
                logger.error("cannot write the snapshot %s: %s", path, error.strerror)  # noqa: TRY400 - one line
            self._writable = False
            return
        self._writable = True

    def _hint(self) -> None:
        self._hints.put(None)

    def tick(self) -> Snapshot:
        """Take one snapshot and hand it on."""
        before, snapshot = self.newest, self.take()
        self._write(snapshot)
        if news.worth_a_hint(before, snapshot):
            hint.give(self._plan.hint_path)
        self._lane.aim(snapshot.signals, self._programs.pids, snapshot.taken_monotonic_s)
        # Last: what the pages say is in the file already.
        self.newest = snapshot
        return snapshot

    def _period_s(self, newest: Snapshot) -> float:
        chosen = self._plan.settings.watchdog
        limits = {name: each.hard_bytes for name, each in self._gauges.limits.items()}
        calm = pace.is_calm(newest.memory, newest.programs, limits, chosen.calm_ratio)
        return max(chosen.period_s, chosen.calm_period_s) if calm else chosen.period_s

    def _wait(self, begun_s: float, period_s: float) -> None:
        """Wait for the next turn, or less long where a readiness changed or a line was crossed."""
        earliest_s = begun_s + self._plan.settings.watchdog.period_s * _EARLIEST_RATIO
        until_s = begun_s + period_s
        while not self._stopped and (left_s := until_s - time.monotonic()) > 0:
            pause_s = self._lane.pause_s()
            try:
                self._hints.get(timeout=left_s if pause_s is None else min(left_s, pause_s))
            except queue.Empty:
                if pause_s is None or pause_s >= left_s or not self._lane.crossed():
                    continue
                if self._lane.trusted:
                    return
            until_s = min(until_s, earliest_s)

    def _supervised(self) -> bool:
        """Return whether supervisord is still our parent: without it nobody could ever end us."""
        if os.getppid() == self._supervisord_pid:
            return True
        logger.error("supervisord (pid %d) is gone; the watchdog ends", self._supervisord_pid)
        return False

    def run(self) -> None:
        """Take snapshots until `stop` or supervisord's end.

        A turn that comes too late is left out, not made up for.
        """
        threads: list[Background[Any] | ReadinessProbe | WebUIMemoryProbe] = [
            *self._container.slow,
            *self._programs.probes,
        ]
        for each in threads:
            each.start()
        try:
            while not self._stopped and self._supervised():
                begun_s = time.monotonic()
                newest = self.tick()
                self._wait(begun_s, self._period_s(newest))
        finally:
            for each in threads:
                each.stop()

    def stop(self) -> None:
        """End `run` soon. May be called from a signal handler."""
        self._stopped = True
        self._hint()
