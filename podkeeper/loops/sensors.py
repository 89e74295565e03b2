"""What do all probes say at this instant?

Covers: the container and the programs, each as one value of the snapshot; what is kept from one
look to the next.
Leaves out: the pace (`loops.watchdog`) and the single readings (`podkeeper.probes`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from podkeeper.loops.busy import Busy
from podkeeper.loops.states import States
from podkeeper.model.snapshot import ContainerMemory, Cpu, Disk, Network, ProgramReading, Stall
from podkeeper.probes import cgroup, cpu, disk, groups, network, proc, psi
from podkeeper.probes.background import Background
from podkeeper.probes.liveness import NO_STREAK, Streak
from podkeeper.probes.nvml import library_found
from podkeeper.probes.process import Table
from podkeeper.probes.programs import program_reading
from podkeeper.probes.readiness import NOT_ASKED, Identity, Readiness, ReadinessProbe
from podkeeper.probes.webui_memory import WebUIMemoryProbe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from podkeeper.loops.gpu_sensors import GpuSensors
    from podkeeper.model.gpu import Gpu, Xid
    from podkeeper.model.webui_memory import WebUIMemory
    from podkeeper.settings.plan import Plan, Program
    from podkeeper.settings.schema import Settings
    from podkeeper.supervisord import ProgramInfo


class Usage:
    """Turns processor time used so far into cores in use."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None

    def cores(self, used_s: float | None, now_s: float) -> float | None:
        """Return the cores in use since the last call; None at the first and where unknown."""
        last, self._last = self._last, None if used_s is None else (used_s, now_s)
        if last is None or used_s is None or now_s <= last[1]:
            return None
        return max(0.0, (used_s - last[0]) / (now_s - last[1]))


class Throttled:
    """Turns quota periods so far into the share of them that was cut short."""

    def __init__(self) -> None:
        self._last = cpu.Throttling()

    def ratio(self, now: cpu.Throttling) -> float | None:
        """Return the share since the last call; None at the first, or where no period ended."""
        last, self._last = self._last, now
        if None in (last.periods, last.throttled_periods, now.periods, now.throttled_periods):
            return None
        passed = now.periods - last.periods  # type: ignore[operator]
        cut = now.throttled_periods - last.throttled_periods  # type: ignore[operator]
        return min(1.0, cut / passed) if passed > 0 and cut >= 0 else None


def _gpu_sensors(settings: Settings) -> GpuSensors | None:
    """Return who watches the GPUs, or None where there is no driver."""
    if not library_found():  # nor does one come to a container that runs
        return None
    from podkeeper.loops.gpu_sensors import GpuSensors  # noqa: PLC0415 - memory for nothing else

    return GpuSensors(settings)


class ContainerSensors:
    """Readings of the container as a whole. Our place in the control groups is found once."""

    def __init__(self, plan: Plan, environ: Mapping[str, str], root: Path) -> None:
        self._environ = environ
        self._root = root
        controllers = ("memory", "cpu", "cpuacct", groups.UNIFIED)
        self._places = {name: groups.find(name, root) for name in controllers}
        self._machine_cores = cpu.machine_cores()
        self._usage = Usage()
        self._throttled = Throttled()
        chosen = plan.settings.watchdog
        self._max_age_s = chosen.max_reading_age_s
        paths = [*chosen.disks, plan.state_dir, plan.runtime_dir]
        self._disks: Background[list[Disk]] = Background(
            "disks", lambda: disk.disks(paths, root), chosen.disk_period_s
        )
        self._gpus = _gpu_sensors(plan.settings)
        self.slow: list[Background[Any]] = [self._disks]
        self.slow += self._gpus.slow if self._gpus is not None else ()

    def memory(self) -> ContainerMemory:
        """Return the container's memory."""
        return cgroup.container_memory(self._environ, self._root, self._places["memory"])

    def working_set(self) -> int | None:
        """Return what the container holds, read by itself."""
        return cgroup.working_set(self._environ, self._root, self._places["memory"])

    def cpu(self, now_s: float) -> Cpu:
        """Return the container's processor time; rates and shares are those since the last call."""
        quota = cpu.quota(self._root, self._places["cpu"])
        times = cpu.times(self._places["cpuacct"], quota)
        own = psi.cpu_of_group(self._places[groups.UNIFIED])
        return Cpu(
            capacity_cores=cpu.capacity_cores(cpu.affinity_cores(), quota),
            used_cores=self._usage.cores(times.used_s, now_s),
            used_s=times.used_s,
            wait_ratio=psi.cpu_wait_ratio(self._root),
            own_wait_ratio=own.some_ratio if own else None,
            periods=times.throttling.periods,
            throttled_periods=times.throttling.throttled_periods,
            throttled_s=times.throttling.throttled_s,
            throttled_ratio=self._throttled.ratio(times.throttling),
            runnable=cpu.runnable(self._root),
            machine_cores=self._machine_cores,
        )

    def memory_stall(self) -> Stall | None:
        """Return how long somebody waited for memory."""
        return psi.memory(self._root, self._places[groups.UNIFIED])

    def io_stall(self) -> Stall | None:
        """Return how long somebody waited for disk I/O."""
        return psi.io(self._root, self._places[groups.UNIFIED])

    def network(self) -> Network:
        """Return the container's traffic."""
        return network.network(self._root)

    def disks(self) -> list[Disk]:
        """Return the newest look at the disks, or none where it hangs."""
        return self._disks.latest(self._max_age_s) or []

    def gpus(self) -> list[Gpu] | None:
        """Return the newest look at the GPUs, or None where there is none or it hangs."""
        return None if self._gpus is None else self._gpus.gpus()

    def xids(self) -> list[Xid]:
        """Return the newest errors that the GPUs' driver has reported, however long ago."""
        return [] if self._gpus is None else self._gpus.xids()


def _probe(
    program: Program, settings: Settings, on_change: Callable[[], None]
) -> ReadinessProbe | None:
    if program.readiness_url is None:
        return None
    return ReadinessProbe(
        program.readiness_url,
        period_s=settings.webui.probe_period_s,
        ready_period_s=settings.watchdog.ready_probe_period_s,
        timeout_s=settings.webui.probe_timeout_s,
        liveness=program.liveness,
        on_change=on_change,
    )


def _memory_probe(program: Program, settings: Settings) -> WebUIMemoryProbe | None:
    if program.role != "webui" or program.readiness_url is None:
        return None
    chosen = settings.extension
    return WebUIMemoryProbe(
        program.readiness_url,
        period_s=chosen.probe_period_s,
        timeout_s=chosen.probe_timeout_s,
        # The extension reads what a job left at its time, and tidies before that.
        after_job_s=chosen.baseline_s + chosen.read_timeout_s,
    )


class ProgramSensors:
    """Readings of the plan's programs."""

    def __init__(
        self,
        plan: Plan,
        ask: Callable[[], list[ProgramInfo]],
        supervisord_pid: int,
        root: Path,
        on_change: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._root = root
        self._marks = proc.Marks(root)
        self._table = Table(root, plan.settings.watchdog.scan_period_s)
        self._ours: set[int] = set()
        #: The processes of each program at the last look.
        self.pids: dict[str, list[int]] = {}
        period_s = plan.settings.watchdog.states_period_s
        self._states = States(ask, supervisord_pid, period_s, time.monotonic)
        probes = {each.name: _probe(each, plan.settings, on_change) for each in plan.programs}
        self._readiness = {name: probe for name, probe in probes.items() if probe is not None}
        memory = {each.name: _memory_probe(each, plan.settings) for each in plan.programs}
        self._memory = {name: probe for name, probe in memory.items() if probe is not None}
        self._busy = Busy(plan)
        self.probes: list[ReadinessProbe | WebUIMemoryProbe] = [
            *self._readiness.values(),
            *self._memory.values(),
        ]

    def _ready(self, name: str, identity: Identity | None) -> Readiness:
        """Return a program's readiness: unknown where nobody can say whether it runs."""
        probe = self._readiness.get(name)
        if probe is None or (identity is None and not self._states.answered):
            return NOT_ASKED
        return probe.look(identity)

    def _streak(self, name: str, identity: Identity | None) -> Streak:
        probe = self._readiness.get(name)
        return NO_STREAK if probe is None or identity is None else probe.streak(identity)

    def _webui_memory(self, name: str, identity: Identity | None) -> WebUIMemory | None:
        probe = self._memory.get(name)
        if probe is None:
            return None
        ready = bool(self._ready(name, identity).ready)
        return probe.look(identity, ready=ready, busy=name in self._busy.look())

    def _scan(self) -> tuple[proc.Scan, dict[str, ProgramInfo]]:
        """Return all processes and supervisord's word, the main processes surely among them."""
        seen = self._table.look(self._ours)
        known = self._states.look(seen)
        for info in known.values():
            if info.pid and info.pid not in seen:  # born since the scan
                late = proc.stat(info.pid, self._root)
                seen.update({} if late is None else {late.pid: late})
        self._marks.forget_all_but(seen)
        return seen, known

    def readings(self) -> list[ProgramReading]:
        """Return one reading for each program of the plan, in its order."""
        seen, known = self._scan()
        pids = {
            each.name: known[each.name].pid for each in self._plan.programs if each.name in known
        }
        mains = {name: seen[pid] for name, pid in pids.items() if pid in seen and seen[pid].alive}
        names: dict[str, int | None] = {each.name: None for each in self._plan.programs}
        names.update({name: main.pid for name, main in mains.items()})
        families = proc.families(names, seen, self._marks.of, self._plan.run_id)
        self.pids = {name: [pid for pid, _ in family] for name, family in families.items()}
        self._ours = {pid for family in self.pids.values() for pid in family}
        readings = []
        for program in self._plan.programs:
            name, main = program.name, mains.get(program.name)
            info = known.get(name) if self._states.answered else None
            readings.append(
                program_reading(
                    name,
                    program.role,
                    state=info.state if info else None,
                    main=main,
                    family=families[name],
                    seen=seen,
                    readiness=self._ready(name, main.identity if main else None),
                    streak=self._streak(name, main.identity if main else None),
                    webui_memory=self._webui_memory(name, main.identity if main else None),
                    root=self._root,
                )
            )
        return readings
