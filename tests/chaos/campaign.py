"""What comes of a plan of faults that is done to a worker?

Covers: one worker under load, its faults one after another, the wait for the steady state after
each, and what is gathered for the judge.
Leaves out: the plan (`faults`), doing one (`strike`), the verdicts (`judge`, `remains`).
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import judge
import remains
from faults import Fault, Kind
from load import Load
from strike import Striker
from worker import Worker, wait_for

from podkeeper.sim.platform import address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judge import Blow

    from podkeeper.model.incident import Incident

# As launchers leave them: a child in the WebUI's process group, and one that has left it for good.
_WEBUI = (
    'sleep 1000000 & (setsid sleep 1000000 &) & exec "$0" -P -m podkeeper.sim.webui --port "$1"'
)
#: A worker that is quick to come up, whose restarts are not used up by two hundred faults, and a
#: platform that takes a job back soon.
SETTINGS = {
    "WATCHDOG__PERIOD_S": "200ms",
    "WATCHDOG__CALM_PERIOD_S": "1500ms",
    "KEEPER__SILENCE_S": "4s",
    "KEEPER__STATES_PERIOD_S": "1s",
    "KEEPER__STOPPED_S": "2s",
    "KEEPER__WATCHDOG_SILENCE_S": "4s",
    "KEEPER__WATCHDOG_GRACE_S": "6s",
    "RESTART__BUDGET": "100000",
    "RESTART__BACKOFF_FIRST_S": "100ms",
    "RESTART__BACKOFF_MAX_S": "1s",
    "RESTART__RESET_AFTER_S": "3s",
    "RUNPOD__PING_INTERVAL_S": "1s",
    "HANDLER__ATTEMPTS": "20",
    "PLATFORM__PING_LOSS_S": "15s",
    "PLATFORM__FORGET_S": "4s",
    "PLATFORM__MAX_REQUEUES": "100",
    "WEBUI__COMMAND": shlex.join(["sh", "-c", _WEBUI, sys.executable, "{port}"]),
    "SIM_WEBUI__START_S": "100ms",
    "SIM_WEBUI__LOAD_S": "200ms",
    "SIM_WEBUI__STEP_S": "30ms",
}


@dataclass
class Outcome:
    """What came of a campaign."""

    complaints: list[str] = field(default_factory=list)
    blows: list[Blow] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    jobs: dict[str, int] = field(default_factory=dict)
    recoveries_s: list[float] = field(default_factory=list)
    log: str = ""


class Campaign:
    """One worker, some faults."""

    def __init__(self, folder: Path, bound_s: float, say: Callable[[str], None] = print) -> None:
        self._bound_s = bound_s
        self._say = say
        self._worker = Worker(folder, **{f"PODKEEPER_{name}": v for name, v in SETTINGS.items()})
        self._outcome = Outcome()

    def run(self, faults: Sequence[Fault]) -> Outcome:
        """Do the faults under load, stop the worker, and return what came of it."""
        outcome, worker = self._outcome, self._worker
        try:
            worker.wait_until_ready()
            plan = worker.plan
            work = str(plan.work_path.relative_to(plan.runtime_dir))
            before = {*remains.files(Path(plan.runtime_dir)), work}
            striker = Striker(plan, self._bound_s)
            outcome.blows = striker.blows
            self._under_load(striker, faults)
            outcome.incidents = worker.incidents()
            outcome.complaints += judge.judge_incidents(outcome.blows, outcome.incidents)
        except AssertionError as error:
            # What was gathered up to here says why; it is told, and the run has failed.
            outcome.complaints.append(str(error).partition("; its log")[0])
            outcome.incidents = worker.incidents()
        finally:
            code = worker.stop()
            outcome.log = worker.log_text()
        outcome.complaints += [f"supervisord ended with {code}"] if code else []
        outcome.complaints += [f"pid {pid} outlived the worker" for pid in worker.marked()]
        outcome.complaints += remains.taken_ports(plan)
        outcome.complaints += remains.left_files(Path(plan.runtime_dir), before)
        return outcome

    def _under_load(self, striker: Striker, faults: Sequence[Fault]) -> None:
        load = Load(address.find(self._worker.environ))
        load.start()
        try:
            for number, fault in enumerate(faults, 1):
                self._do(striker, number, fault)
        finally:
            load.end()
        self._judge_jobs(load.accepted)

    def _do(self, striker: Striker, number: int, fault: Fault) -> None:
        begun, begun_s = len(striker.blows), time.monotonic()
        striker.strike(fault)
        new = striker.blows[begun:]
        struck_s = time.monotonic()
        what = f"the steady state after fault {number}: {fault}"
        self._wait_until_steady(new, what)
        if fault.kind == Kind.KILL_HEARTBEAT:
            self._wait_for_heartbeat(striker, what)
        now_s = time.monotonic()
        self._outcome.recoveries_s.append(now_s - struck_s)
        self._say(
            f"{number:4d} {fault}: back after {now_s - struck_s:.2f} s ({now_s - begun_s:.1f} s)"
        )

    def _wait_until_steady(self, blows: Sequence[Blow], what: str) -> None:
        wait_for(lambda: self._is_steady(blows), what, self._bound_s)
        wait_for(lambda: not self._out_of_place(), f"nothing left over in {what}", 20)

    def _wait_for_heartbeat(self, striker: Striker, what: str) -> None:
        """Wait until the handler, whichever it is by now, can be heard by the platform again."""

        def heard() -> bool:
            pid = self._worker.line("handler").pid
            return pid is not None and striker.heartbeat(pid) > 0

        wait_for(heard, f"another heartbeat in {what}", self._bound_s)

    def _is_steady(self, blows: Sequence[Blow]) -> bool:
        """Return whether all runs, is ready, and what was struck is another process by now."""
        report = self._worker.report()
        if report is None or not report.ready or report.open_incidents:
            return False
        dealt = {(each.program, each.pid) for each in blows}
        lines = report.programs
        up = all(each.state == "RUNNING" and each.ready is not False for each in lines)
        if not up or any((each.name, each.pid) in dealt for each in lines):
            return False
        incidents = self._worker.incidents()
        return all(judge.judge_blow(each, incidents) is None for each in blows)

    def _out_of_place(self) -> list[str]:
        """Return which processes should not be there."""
        report = self._worker.report()
        if report is None:
            return ["supervisord does not answer"]
        mains = {each.name: each.pid for each in report.programs if each.pid is not None}
        worker = self._worker
        return remains.orphans(worker.plan, mains) + remains.zombies(worker.process.pid, mains)

    def _judge_jobs(self, accepted: Sequence[str]) -> None:
        """Wait until all jobs have ended, as far as they do, and judge them."""
        jobs: list[dict[str, Any]] = []

        def ended() -> bool:
            jobs[:] = self._jobs()
            return not judge.judge_jobs(jobs, accepted)

        try:
            wait_for(ended, "every job to end", self._bound_s)
        finally:
            self._outcome.jobs = judge.count_jobs(jobs)
            self._outcome.complaints += judge.judge_jobs(jobs, accepted)

    def _jobs(self) -> list[dict[str, Any]]:
        client = address.find(self._worker.environ)
        url = f"{client.url.partition('/v2/')[0]}/platform"
        headers = {"Authorization": f"Bearer {client.key}"} if client.key else {}
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=self._bound_s) as answer:  # noqa: S310 - the same
            found: list[dict[str, Any]] = json.load(answer)["jobs"]
        return found
