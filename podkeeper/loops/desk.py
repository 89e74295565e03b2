"""What does the keeper do about operators' orders?

Covers: taking orders, writing down what is wanted because of them, doing the steps towards it.
Leaves out: which steps these are (`policy.orders`); starting what was stopped on the way, which
the keeper does as at any other time, once the program's gate is open (`policy.duty`).
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.model import change
from podkeeper.policy import orders
from podkeeper.policy.cause import Cause
from podkeeper.policy.duty import Record
from podkeeper.policy.orders import Kind, Name, Pending, Reload, Step, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from podkeeper.loops.incidents import IncidentBook
    from podkeeper.loops.sight import Sight
    from podkeeper.loops.world import Deeds, World
    from podkeeper.model.change import Change
    from podkeeper.policy.orders import Order
    from podkeeper.settings.plan import Plan

_log = logging.getLogger("keeper")
#: Under which keys the ledger has what is wanted, and the last order that is in it.
WANTED, LAST_ORDER = "wanted", "last_order"


@dataclass(frozen=True)
class Now:
    """What a look brings: what is seen, what is remembered of each program, how to remember."""

    sight: Sight
    records: Mapping[str, Record]
    keep: Callable[[str, Record], None]
    #: When a program's process ended last, on the monotonic clock.
    died_at_s: float = -math.inf


class Desk:
    """Where operators' orders are taken and carried out."""

    def __init__(self, plan: Plan, world: World, hands: Deeds, book: IncidentBook) -> None:
        self._plan = plan
        self._world = world
        self._hands = hands
        self._book = book
        self._wanted: Wanted = book.recall(WANTED, Wanted) or Wanted()
        last = book.recall(LAST_ORDER, int)
        self._last_order: int = -1 if last is None else last
        self._said = ""
        #: Whether the keeper is to end, so that supervisord starts it anew.
        self.leaving = False

    def look(self, now: Now) -> frozenset[str]:
        """Take new orders and do what is due for them.

        Returns:
            The programs that are not to be judged as usual in this look.
        """
        states = {name: info.state for name, info in now.sight.infos.items()}
        for order in self._world.orders(self._last_order):
            self._take(order)
        if self._reload_due(states):
            self._reload(now.sight.now_wall_s)
        for step, program in list(orders.steps(self._wanted, states)):
            self._do(step, program, now)
        self._let_go(now)
        if self.leaving:
            return frozenset(states)
        return orders.in_hand(self._wanted, states)

    @property
    def to_be_restarted(self) -> set[str]:
        """Return the programs that are to be restarted or replaced."""
        return {each.program for each in self._wanted.pending}

    @property
    def paused(self) -> set[str]:
        """Return why the keeper itself lets no job in."""
        return set(self._wanted.paused)

    def pause(self, reason: str) -> None:
        """Let no job in until `resume` is called for the same reason."""
        if reason not in self._wanted.paused:
            self._want(replace(self._wanted, paused=(*self._wanted.paused, reason)))
            _log.warning("Takes no more jobs: %s", reason)

    def resume(self, reason: str) -> None:
        """Let jobs in again, as far as this reason goes."""
        kept = tuple(each for each in self._wanted.paused if each != reason)
        self._want(replace(self._wanted, paused=kept))
        _log.info("Takes jobs again, as far as %s goes", reason)

    def restart_between_jobs(self, program: str, now_wall_s: float) -> None:
        """Let a program be restarted as soon as no job can be cut by it."""
        waits = orders.disturbs(program)
        pending = Pending(program, Kind.RESTART, waits, now_wall_s)
        self._want(orders.with_pending(self._wanted, [pending]))

    def no_restart(self, program: str) -> None:
        """Let a program's restart between jobs be: it goes at once."""
        if program in self.to_be_restarted:
            self._want(orders.without_pending(self._wanted, program))

    def _want(self, wanted: Wanted) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._book.remember(WANTED, wanted)

    def _take(self, order: Order) -> None:
        if order.name in (Name.RELOAD, Name.RELOAD_NOW):
            self._take_reload(order)
        else:
            known = [each.name for each in self._plan.programs]
            wanted, answer = orders.take(self._wanted, order, known)
            _log.info("Order %s %s: %s", order.name, order.argument, answer)
            self._want(wanted)
        self._last_order = order.number
        self._book.remember(LAST_ORDER, order.number)

    def _take_reload(self, order: Order) -> None:
        found = self._change()
        if found is None:
            return
        waits = order.name == Name.RELOAD and found.disturbs
        _log.info("Order reload: %s", found.in_words())
        self._want(replace(self._wanted, reload=Reload(waits, order.at_s)))

    def _change(self) -> Change | None:
        try:
            found = change.read(Path(self._plan.runtime_dir))
        except OSError as error:
            _log.error("Cannot reload: %s", error)
            return None
        if found is None:
            _log.error("Cannot reload: no configuration lies ready")
        return found

    def _reload_due(self, states: Mapping[str, str]) -> bool:
        reload = self._wanted.reload
        return reload is not None and (not reload.when_idle or orders.is_idle(states))

    def _reload(self, now_wall_s: float) -> None:
        """Put the new configuration into place; what it changes is pending from then on."""
        found, reload = self._change(), self._wanted.reload
        if found is None or reload is None:
            self._want(replace(self._wanted, reload=None))
            return
        outcome = self._hands.install()
        _log.info("Reload: %s", outcome)
        if outcome.startswith("failed"):
            self._want(replace(self._wanted, reload=None))
            return
        pending = [
            Pending(name, kind, reload.when_idle and orders.disturbs(name), now_wall_s)
            for kind, names in (
                (Kind.REPLACE, found.changed),
                (Kind.REMOVE, found.removed),
                (Kind.ADD, found.added),
                (Kind.RESTART, found.reread),
            )
            for name in names
        ]
        # In one step with what it leads to: killed before, the keeper puts it into place again.
        self._want(orders.with_pending(replace(self._wanted, reload=None), pending))

    def _do(self, step: Step, program: str, now: Now) -> None:
        if step == Step.STOP:
            self._stop(program, now)
        elif step == Step.START:
            _start_soon(program, now)
            self._want(orders.without_pending(self._wanted, program))
        elif step == Step.DONE:
            self._want(orders.without_pending(self._wanted, program))
        elif step == Step.DROP:
            self._say(program, step, self._hands.drop(program))
        elif step == Step.ADD:
            outcome = self._hands.add(program)
            self._say(program, step, outcome)
            if not outcome.startswith("failed"):
                if program in now.records:
                    now.keep(program, Record())
                self._want(orders.without_pending(self._wanted, program))

    def _stop(self, program: str, now: Now) -> None:
        record = now.records.get(program)
        if record is not None:
            now.keep(program, Record(history=record.history, taking_down=Cause.REQUESTED))
        if program == orders.KEEPER:
            # It cannot start itself: it ends, and supervisord brings it back.
            self.leaving = True
            self._want(orders.without_pending(self._wanted, program))
        else:
            self._say(program, Step.STOP, self._hands.take_down(program))

    def _let_go(self, now: Now) -> None:
        """Let the intake run again once nothing holds it any more."""
        held = orders.holds(self._wanted)
        if self._wanted.holding and not held:
            _start_soon(orders.INTAKE, now)
        self._want(replace(self._wanted, holding=held))

    def _say(self, program: str, step: Step, outcome: str) -> None:
        """Log what came of a step, once for all looks that repeat it."""
        said = f"{step} {program}: {outcome}"
        if said != self._said:
            _log.info("On request: %s", said)
            self._said = said


def _start_soon(program: str, now: Now) -> None:
    """Make a program that is down due, as soon as its gate is open and without counting it."""
    info, record = now.sight.infos.get(program), now.records.get(program)
    if info is None or record is None:
        return
    if info.pid == 0 or info.state == "STOPPING":
        due = Record(
            history=record.history, taking_down=Cause.REQUESTED, restart_at_s=now.sight.now_s
        )
        now.keep(program, due)
