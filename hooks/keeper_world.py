"""What does the keeper see, where it is real?

Covers: supervisord's word, the watchdog's snapshot, the handler's file and the kernel as
`podkeeper.loops.world.World`; processes as `podkeeper.actuators.programs.Processes`.
Leaves out: looking at it (`hooks.keeper`).
"""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from podkeeper.errors import ShuttingDownError
from podkeeper.loops.sight import Sight
from podkeeper.loops.word import Word
from podkeeper.model import snapshot, work
from podkeeper.probes import cgroup, files, groups, process
from podkeeper.probes.proc import Marks, members
from podkeeper.supervisord import Seen

if TYPE_CHECKING:
    from podkeeper.model.snapshot import Snapshot
    from podkeeper.model.work import Work
    from podkeeper.policy.orders import Order
    from podkeeper.settings.plan import Plan
    from podkeeper.supervisord import Death, Supervisord

_log = logging.getLogger("keeper")


class RealWorld:
    """The world as supervisord, the watchdog and the kernel show it."""

    def __init__(self, plan: Plan, supervisord: Supervisord) -> None:
        self._plan = plan
        #: Our place in the control groups never changes: found once.
        self._memory_group = groups.find("memory")
        self._processes = RealProcesses(plan.run_id)
        period_s = plan.settings.keeper.states_period_s
        self._word = Word(supervisord.see, period_s, time.monotonic)
        self._written_seen: list[int | None] = []
        self._orders = supervisord.orders
        self._order_may_wait = True
        self._known_death = -1
        self._seen = Seen(running=True, programs=[], deaths=[])

    def hint(self) -> None:
        """Note that an event came: what supervisord said last is old, and an order may wait.

        Its tick comes every five seconds: a lost event costs that time, and no look in between
        has to ask.
        """
        self._word.hint()
        self._order_may_wait = True

    def look(self) -> Sight:
        """Return what is seen now.

        Raises:
            ShuttingDownError: supervisord is stopping everything.
        """
        self._seen = self._word.look(self._known_death)
        if not self._seen.running:
            raise ShuttingDownError
        self._written_seen = self._written()
        infos = {each.name: each for each in self._seen.programs}
        seen = self._snapshot(), time.monotonic(), time.time()
        return Sight(infos, *seen, work=self._work())

    def _work(self) -> Work | None:
        try:
            newest = work.read(self._plan.work_path)
        except OSError as error:
            _log.warning("Cannot read which jobs are in hand: %s", error)
            return None
        return newest if newest is not None and newest.run_id == self._plan.run_id else None

    def _snapshot(self) -> Snapshot | None:
        try:
            newest = snapshot.read(self._plan.snapshot_path)
        except OSError as error:
            _log.warning("Cannot read the snapshot: %s", error)
            return None
        return newest if newest is not None and newest.run_id == self._plan.run_id else None

    def is_unchanged(self) -> bool:
        """Return whether a look now would see just what the last one saw."""
        known = not self._order_may_wait and self._word.stands()
        return known and self._written() == self._written_seen

    def _written(self) -> list[int | None]:
        """Return when each file that a look reads was last replaced; None where there is none."""
        return [
            files.changed_at_ns(path) for path in (self._plan.snapshot_path, self._plan.work_path)
        ]

    def deaths(self, after: int) -> list[Death]:
        """Return the deaths that the last look saw, since one that is already known."""
        self._known_death = after
        return [each for each in self._seen.deaths if each.sequence > after]

    def orders(self, after: int) -> list[Order]:
        """Return operators' orders since one that is already known."""
        found = self._orders(after) if self._order_may_wait else []
        self._order_may_wait = False
        return found

    def is_running(self) -> bool:
        """Return whether supervisord ran programs at the last look rather than shutting down."""
        return self._seen.running

    def oom_kills(self) -> int | None:
        """Return the kernel's out-of-memory kills in this container."""
        return cgroup.oom_kills(place=self._memory_group)

    def memory_of(self, program: str, main_pid: int, enough_bytes: float) -> int | None:
        """Return what a program's processes hold now, or the main one where that is enough."""
        main_bytes = process.memory_of(main_pid)
        if main_bytes is not None and main_bytes > enough_bytes:
            return main_bytes
        found = [process.memory_of(pid) for pid, _ in self._processes.members(program, main_pid)]
        known = [each for each in found if each is not None]
        return sum(known) if known else None

    def working_set(self) -> int | None:
        """Return what the container holds now."""
        return cgroup.working_set(os.environ, place=self._memory_group)

    def luck(self) -> float:
        """Return a random number from 0 to 1, which is left out."""
        # Not from `random` or `secrets`: they load more than all that is random here is worth.
        return int.from_bytes(os.urandom(4)) / (1 << 32)


class RealProcesses:
    """Processes as /proc shows them."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._marks = Marks()

    def members(self, program: str, main_pid: int) -> set[tuple[int, int]]:
        """Return all living processes of a program's present or former lives."""
        seen = process.scan()
        self._marks.forget_all_but(seen)
        return members(program, main_pid, seen, self._marks.of, self._run_id)

    def is_alive(self, identity: tuple[int, int]) -> bool:
        """Return whether exactly this process still runs."""
        now = process.stat(identity[0])
        return now is not None and now.alive and now.identity == identity
