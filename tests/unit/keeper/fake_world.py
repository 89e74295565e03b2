"""A supervisord, a watchdog and hands made of values, with a clock that is stepped."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from podkeeper.loops.gauges import Gauges
from podkeeper.loops.incidents import IncidentBook
from podkeeper.loops.keeper import Keeper
from podkeeper.loops.sight import Sight
from podkeeper.loops.world import Means
from podkeeper.model.gpu import Xid
from podkeeper.model.snapshot import ContainerMemory, Cpu, Disk, Network, ProgramReading, Snapshot
from podkeeper.model.work import JobInHand, Work
from podkeeper.policy.orders import Order
from podkeeper.recorders.ledger import Ledger
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan
from podkeeper.supervisord import Death, ProgramInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.model.gpu import Gpu
    from podkeeper.policy.signals import Signal
    from podkeeper.settings.plan import Plan

START_WALL_S = 1_000_000.0


def make(
    run_id: str = "run", *assignments: str, runtime_dir: Path = Path("/run/podkeeper")
) -> Plan:
    """Return the plan of a simulator worker in a container of 8 GiB."""
    settings = load(Source(assignments=assignments)).settings
    return make_plan(
        settings,
        Surroundings(
            python="python",
            directory="/",
            runtime_dir=runtime_dir,
            state_dir=Path("/var/lib/podkeeper"),
            memory_capacity_bytes=8 << 30,
            platform_named=False,
            version="0",
            run_id=run_id,
            made_at_s=0.0,
        ),
    )


@dataclass
class FakeProgram:
    """One program of the fake supervisord."""

    state: str = "STOPPED"
    pid: int = 0
    started_at_s: float = 0.0
    memory_bytes: int | None = 1000
    #: Seconds after its start at which it is ready; None: never.
    ready_after_s: float | None = 0.0
    stop_requested: bool = False
    #: Whether it neither works nor answers, and whether that is because it is stopped.
    hung: bool = False
    stopped: bool = False
    cpu_s: float = 0.0


@dataclass
class FakeWorld:
    """What the keeper sees, and the hands it acts with."""

    plan: Plan
    now_s: float = 0.0
    running: bool = True
    kernel_oom_kills: int | None = 0
    watchdog_alive: bool = True
    programs: dict[str, FakeProgram] = field(default_factory=dict)
    seen_deaths: list[Death] = field(default_factory=list)
    given: list[Order] = field(default_factory=list)
    deeds: list[tuple[str, str]] = field(default_factory=list)
    next_pid: int = 100
    last_snapshot: Snapshot | None = None
    #: What the handler has in hand: job and progress by WebUI; jobs move by themselves.
    jobs: dict[str, JobInHand] = field(default_factory=dict)
    handler_writes: bool = True
    last_work: Work | None = None
    #: Whether stacks can be dumped, and the dumps that have not been collected.
    dumps: bool = False
    slow_dumps: bool = False
    #: Programs that answer no liveness probe.
    deaf: set[str] = field(default_factory=set)
    dumped: list[str] = field(default_factory=list)
    #: What a second reading of memory says, where it differs from the first.
    second_reading: int | None = None
    #: What the container holds beside its programs.
    other_bytes: int = 1 << 30
    #: What NVML tells; None: there is none. And what the driver has reported.
    gpus: list[Gpu] | None = None
    xids: list[Xid] = field(default_factory=list)
    #: Room of the one disk there is, of a hundred GiB.
    disk_left_bytes: int = 50 << 30

    def __post_init__(self) -> None:
        """Start what supervisord starts by itself."""
        self.gauges = Gauges(self.plan)
        for program in self.plan.programs:
            self.programs[program.name] = FakeProgram()
            if program.autostart:
                self._spawn(program.name)

    def _spawn(self, name: str) -> None:
        self.next_pid += 1
        program = self.programs[name]
        program.state, program.pid, program.stop_requested = "RUNNING", self.next_pid, False
        program.started_at_s = self.now_s
        program.hung = program.stopped = False
        program.cpu_s = 0.0
        program.memory_bytes = 1000

    # What the keeper sees.

    def look(self) -> Sight:
        """Return what is seen now; the watchdog takes a snapshot first, if it lives."""
        if self.watchdog_alive and self.programs["watchdog"].pid:
            self.last_snapshot = self._snapshot()
        if self.handler_writes and "handler" in self.programs and self.programs["handler"].pid:
            self.last_work = self._work()
        infos = {name: self._info(name) for name in self.programs}
        wall_s = START_WALL_S + self.now_s
        return Sight(infos, self.last_snapshot, self.now_s, wall_s, self.last_work)

    def _work(self) -> Work:
        for name, job in self.jobs.items():
            program = self.programs[job.webui or ""]
            if program.pid and not program.hung:
                program.cpu_s += 1.0
                self.jobs[name] = replace(job, moved_monotonic_s=self.now_s)
        return Work(
            run_id=self.plan.run_id,
            handler_pid=self.programs["handler"].pid,
            written_monotonic_s=self.now_s,
            jobs=list(self.jobs.values()),
            last_at_s={job.webui: self.now_s for job in self.jobs.values() if job.webui},
        )

    def give_job(self, webui: str = "webui") -> None:
        """Give the handler a job that a WebUI works on."""
        self.jobs["job-1"] = JobInHand(
            id="job-1",
            granted_monotonic_s=self.now_s,
            phase="sampling",
            progress_ratio=0.5,
            webui=webui,
            moved_monotonic_s=self.now_s,
        )

    def report(self, code: int, gpu: int | None = 0) -> None:
        """Let the driver report an error."""
        number = len(self.xids) + 1
        self.xids.append(Xid(sequence=number, gpu=gpu, code=code, at_monotonic_s=self.now_s))

    def _info(self, name: str) -> ProgramInfo:
        program = self.programs[name]
        started = int(START_WALL_S + program.started_at_s) if program.started_at_s >= 0 else 0
        never = program.state == "STOPPED" and not program.pid and not program.stop_requested
        return ProgramInfo(
            name=name,
            state=program.state,
            pid=program.pid,
            started_at_s=0 if never else started,
            stopped_at_s=0,
            exit_status=0,
            spawn_error="",
        )

    def _snapshot(self) -> Snapshot:
        snapshot = self._readings()
        return replace(snapshot, signals=self.gauges.look(snapshot))

    def _readings(self) -> Snapshot:
        return Snapshot(
            run_id=self.plan.run_id,
            sequence=0,
            watchdog_pid=self.programs["watchdog"].pid,
            taken_at_s=START_WALL_S + self.now_s,
            taken_monotonic_s=self.now_s,
            memory=ContainerMemory(
                capacity_bytes=8 << 30,
                working_set_bytes=self.working_set(),
                oom_kills=self.kernel_oom_kills,
            ),
            cpu=Cpu(capacity_cores=2.0, used_cores=0.1),
            disks=[
                Disk(
                    path="/",
                    capacity_bytes=100 << 30,
                    available_bytes=self.disk_left_bytes,
                    capacity_inodes=None,
                    available_inodes=None,
                )
            ],
            network=Network(received_bytes=0, sent_bytes=0),
            gpus=self.gpus,
            xids=self.xids,
            programs=[self._reading(name) for name in self.programs],
        )

    def _reading(self, name: str) -> ProgramReading:
        program = self.programs[name]
        after_s, deaf = program.ready_after_s, program.hung or name in self.deaf
        asked = self.plan.program(name).readiness_url is not None and program.pid
        ready = after_s is not None and self.now_s - program.started_at_s >= after_s
        return ProgramReading(
            name=name,
            role=self.plan.program(name).role,
            state=program.state,
            pid=program.pid or None,
            start_ticks=1,
            memory_bytes=program.memory_bytes if program.pid else None,
            rss_bytes=None,
            processes=1 if program.pid else 0,
            threads=1,
            open_files=1,
            cpu_s=program.cpu_s,
            ready=ready and not program.hung if asked else None,
            readiness_detail="connection refused",
            alive=not deaf if asked else None,
            liveness_failures=(99 if deaf else 0) if asked else None,
            liveness_detail="no answer in 5 s",
            stopped=program.stopped,
        )

    def deaths(self, after: int) -> list[Death]:
        """Return the deaths since one that is already known."""
        return [each for each in self.seen_deaths if each.sequence > after]

    def orders(self, after: int) -> list[Order]:
        """Return the orders since one that is already known."""
        return [each for each in self.given if each.number > after]

    def order(self, name: str, argument: str = "") -> None:
        """Give an order as an operator does."""
        number = len(self.given) + 1
        self.given.append(Order(number, name, argument, START_WALL_S + self.now_s))

    def is_running(self) -> bool:
        """Return whether the fake supervisord is not shutting down."""
        return self.running

    def oom_kills(self) -> int | None:
        """Return the kernel's counter."""
        return self.kernel_oom_kills

    def memory_of(self, program: str, main_pid: int, enough_bytes: float) -> int | None:
        """Return the second reading of a program's memory."""
        assert enough_bytes > 0
        assert self.programs[program].pid == main_pid
        return self.second_reading or self.programs[program].memory_bytes

    def working_set(self) -> int:
        """Return what the programs hold and what is there besides."""
        used = (each.memory_bytes or 0 for each in self.programs.values() if each.pid)
        return self.other_bytes + sum(used)

    def luck(self) -> float:
        """Return no luck at all."""
        return 0.0

    # What the keeper does.

    def start(self, program: str) -> str:
        """Start a program."""
        assert self.programs[program].pid == 0, f"two lives of {program} at once"
        self.deeds.append(("start", program))
        self._spawn(program)
        return "started"

    def take_down(self, program: str) -> str:
        """Ask a program to end."""
        self.deeds.append(("take_down", program))
        self.programs[program].state = "STOPPING"
        self.programs[program].stop_requested = True
        return "asked to stop"

    def kill(self, program: str, main_pid: int) -> str:
        """Kill a program."""
        self.deeds.append(("kill", program))
        assert self.programs[program].pid == main_pid
        self.die(program, number=signal.SIGKILL)
        return "killed 1 processes"

    def clear(self, program: str, main_pid: int, ended_s: float) -> str:
        """Kill what is left of a life that ended."""
        assert self.programs[program].pid != main_pid
        assert ended_s <= self.now_s
        self.deeds.append(("clear", program))
        return "nothing was left over"

    def end(self, exit_code: int, *, at_once: bool) -> str:
        """End the worker."""
        self.deeds.append(("exit" if at_once else "refresh", str(exit_code)))
        self.running = False
        return "shutting down"

    def begin(self, program: str, pid: int) -> bool:
        """Begin to write a program's stack."""
        assert self.programs[program].pid == pid
        if self.dumps:
            self.deeds.append(("dump", program))
            self.dumped.append(program)
        return self.dumps

    def finished(self) -> list[tuple[str, str]]:
        """Return the dumps that are written."""
        if self.slow_dumps:
            return []
        ended, self.dumped = self.dumped, []
        return [(program, "/dumps/1.txt") for program in ended]

    def drop(self, program: str) -> str:
        """Take a program out of the fake supervisord."""
        assert self.programs[program].pid == 0, f"{program} still runs"
        self.deeds.append(("drop", program))
        del self.programs[program]
        return "taken out"

    def add(self, program: str) -> str:
        """Take a program into the fake supervisord."""
        self.deeds.append(("add", program))
        self.programs[program] = FakeProgram()
        if program != "handler":
            self._spawn(program)
        return "taken in"

    def install(self) -> str:
        """Put the configuration that lies ready into place."""
        self.deeds.append(("install", ""))
        return "in place"

    # What befalls it.

    def die(
        self,
        name: str,
        *,
        number: int | None = None,
        code: int | None = None,
        last_lines: Sequence[str] = (),
    ) -> None:
        """End a program's process, by a signal or with an exit code."""
        program = self.programs[name]
        self.seen_deaths.append(
            Death(
                sequence=len(self.seen_deaths),
                program=name,
                pid=program.pid,
                at_s=START_WALL_S + self.now_s,
                at_monotonic_s=self.now_s,
                exit_code=code,
                signal=number,
                dumped_core=False,
                stop_requested=program.stop_requested,
                peak_rss_bytes=2000,
                last_lines=list(last_lines),
            )
        )
        program.state = "STOPPED" if program.stop_requested else "EXITED"
        program.pid = 0
        if self.plan.program(name).resident and not program.stop_requested:
            self._spawn(name)


class FakeGiver:
    """Gives back what it is told to, at the next look."""

    def __init__(self, world: FakeWorld) -> None:
        self.world = world
        #: What it can relieve, and what a program holds after it.
        self.able: set[str] = set()
        self.leaves_bytes: int | None = None
        self.begun: list[Signal] = []
        self._ended: list[Signal] = []

    def can(self, signal: Signal, program: str) -> bool:
        """Return whether it was told that it can."""
        assert not program or program in self.world.programs
        return str(signal) in self.able

    def begin(self, signal: Signal, program: str, missing: float | None, *, idle: bool) -> None:
        """Give back at once."""
        assert missing is None or missing >= 0
        assert idle in (True, False)
        self.begun.append(signal)
        self._ended.append(signal)
        if program and self.leaves_bytes is not None:
            self.world.programs[program].memory_bytes = self.leaves_bytes

    def finished(self) -> list[tuple[Signal, str]]:
        """Return what was given back since the last call."""
        ended, self._ended = self._ended, []
        return [(each, "freed some") for each in ended]


class Story:
    """A keeper in a fake world."""

    def __init__(self, folder: Path, *assignments: str) -> None:
        self.plan = make("run", *assignments, runtime_dir=folder)
        self.world = FakeWorld(self.plan)
        self.giver = FakeGiver(self.world)
        self.ledger = Ledger(folder / "ledger", busy_timeout_s=5, max_bytes=1 << 30)
        self.keeper = self.new_keeper()

    def new_keeper(self) -> Keeper:
        """Return a keeper as it comes up after its own death, or at first."""
        book = IncidentBook(self.ledger, "run", lambda: START_WALL_S + self.world.now_s)
        means = Means(self.world, self.world, [self.giver])
        self.keeper = Keeper(self.plan, self.world, means, book)
        return self.keeper

    def run(self, span_s: float, step_s: float = 0.5) -> None:
        """Let time pass, with a look at each step."""
        end_s = self.world.now_s + span_s
        while self.world.now_s < end_s:
            self.keeper.look()
            self.world.now_s += step_s
        self.keeper.look()

    def state(self, name: str) -> str:
        """Return a program's state."""
        return self.world.programs[name].state
