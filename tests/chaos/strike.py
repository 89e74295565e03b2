"""How is one fault done to a running worker?

Covers: finding the process, bringing the moment about, the blow itself.
Leaves out: which fault (`faults`), the way back (`campaign`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from faults import Fault, Kind, Moment
from judge import Blow
from worker import wait_for

from podkeeper.errors import SupervisordError
from podkeeper.probes import proc
from podkeeper.supervisord import ProgramInfo, Supervisord

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan

_SIGNALS = {
    Kind.KILL: signal.SIGKILL,
    Kind.TERM: signal.SIGTERM,
    Kind.FREEZE: signal.SIGSTOP,
    Kind.KILL_CHILD: signal.SIGKILL,
    Kind.KILL_HEARTBEAT: signal.SIGKILL,
}
_CHILDREN = (Kind.KILL_CHILD, Kind.KILL_HEARTBEAT)
_DOWN = ("STOPPED", "EXITED", "FATAL")


class Striker:
    """Does faults, and remembers every blow that reached its process."""

    def __init__(self, plan: Plan, bound_s: float) -> None:
        self._plan = plan
        self._door = Supervisord(plan.socket_path)
        self._bound_s = bound_s
        self.blows: list[Blow] = []

    def strike(self, fault: Fault) -> None:
        """Do one fault.

        Raises:
            AssertionError: The worker did not come to the fault's moment.
        """
        moments = {
            Moment.STEADY: self._steady,
            Moment.START: self._start,
            Moment.STOP: self._stop,
            Moment.RESTART: self._restart,
            Moment.TOGETHER: self._steady,
        }
        moments[fault.moment](fault)

    def info(self, name: str) -> ProgramInfo | None:
        """Return one program as supervisord sees it, or None where it does not answer."""
        with contextlib.suppress(SupervisordError):
            return next(each for each in self._door.programs() if each.name == name)
        return None

    def _pid(self, name: str, *, not_pid: int = 0) -> int:
        """Return a program's main process once it has one, another one than it had."""

        def look() -> int:
            info = self.info(name)
            return info.pid if info is not None and info.pid != not_pid else 0

        return wait_for(look, f"a process of {name}", self._bound_s)

    def _steady(self, fault: Fault) -> None:
        time.sleep(fault.wait_s)
        targets = [(fault.target, fault.kind)]
        if fault.other is not None:
            targets.append((fault.other, Kind.KILL))
        pids = [self._pid(name) for name, _ in targets]
        for (name, kind), pid in zip(targets, pids, strict=True):
            self._hit(name, pid, kind)

    def _start(self, fault: Fault) -> None:
        self._order_down(fault.target)
        self._door.start(fault.target)
        pid = self._pid(fault.target)
        time.sleep(fault.wait_s)
        self._hit(fault.target, pid, fault.kind)

    def _stop(self, fault: Fault) -> None:
        pid = self._pid(fault.target)
        self._door.stop(fault.target)
        time.sleep(fault.wait_s / 10)
        self._hit(fault.target, pid, fault.kind, tells=False)
        self._wait_until_down(fault.target)
        self._door.start(fault.target)

    def _restart(self, fault: Fault) -> None:
        first = self._pid(fault.target)
        self._hit(fault.target, first, Kind.KILL)
        second = self._pid(fault.target, not_pid=first)
        time.sleep(fault.wait_s)
        self._hit(fault.target, second, fault.kind)

    def _order_down(self, name: str) -> None:
        self._door.stop(name)
        self._wait_until_down(name)

    def _wait_until_down(self, name: str) -> None:
        def down() -> bool:
            info = self.info(name)
            return info is not None and info.state in _DOWN

        wait_for(down, f"{name} to be down", self._bound_s)

    def _hit(self, name: str, pid: int, kind: Kind, *, tells: bool = True) -> None:
        """Send the signal, and note the blow where it reached the program's main process."""
        victim = self._child(name, pid, kind) if kind in _CHILDREN else pid
        number = _SIGNALS[kind]
        before = proc.stat(victim) if victim else None
        if before is None:
            return  # it has just ended by itself, which the judge sees if it should not have
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, number)
            if victim == pid:
                self.blows.append(Blow(name, pid, number.name, tells))
            else:
                self._wait_for_death(before)

    def _wait_for_death(self, before: proc.ProcessStat) -> None:
        """Wait until a process is gone or a zombie, so that it is not taken for a living one."""

        def dead() -> bool:
            now = proc.stat(before.pid)
            return now is None or not now.alive or now.identity != before.identity

        wait_for(dead, f"the end of pid {before.pid}", self._bound_s)

    def _child(self, name: str, pid: int, kind: Kind) -> int:
        """Return one process of the program beside its main one; 0 where there is none left."""
        if kind == Kind.KILL_HEARTBEAT:
            return wait_for(lambda: self.heartbeat(pid), "a heartbeat", self._bound_s)
        seen, marks = proc.scan(), proc.Marks()
        family = proc.members(name, pid, seen, marks.of, self._plan.run_id)
        return max((each for each, _ in family if each != pid), default=0)

    def heartbeat(self, handler_pid: int) -> int:
        """Return the living child of the handler; 0 where it has none."""
        found = [each for each in proc.scan().values() if each.ppid == handler_pid and each.alive]
        return found[0].pid if found else 0
