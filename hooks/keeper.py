"""The keeper program: supervisord's event listener that restarts what crashes.

Runs as: `[eventlistener:keeper]`. Reads: events (as hints), supervisord's state, the watchdog's
snapshot. Writes: the ledger, and commands to supervisord. Exits: when supervisord is gone.
"""

from __future__ import annotations

import hooks.lean  # noqa: F401 - before everything that it keeps small

# isort: split
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.keeper_world import RealProcesses, RealWorld
from hooks.protocol import Listener
from podkeeper import logs
from podkeeper.actuators.own_stacks import addresses
from podkeeper.actuators.programs import Hands
from podkeeper.actuators.reclaim import reclaims
from podkeeper.actuators.stackdumps import StackDumps
from podkeeper.errors import PodkeeperError, ShuttingDownError, SupervisordError
from podkeeper.hint import Ear
from podkeeper.loops.incidents import IncidentBook
from podkeeper.loops.keeper import Keeper
from podkeeper.loops.room import Room
from podkeeper.loops.world import Means
from podkeeper.probes import process
from podkeeper.recorders.ledger import Ledger
from podkeeper.settings import plan as plans
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan

_log = logging.getLogger("keeper")
# Deadlines are met a little late rather than looked at twice.
_LATE_S = 0.001
_FOREVER_S = 3600.0


def _private_stdout() -> int:
    """Return a descriptor for the protocol; standard output itself becomes standard error.

    A stray print, ours or a library's, can then never break the protocol.
    """
    private = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return private


def _ear(plan: Plan) -> Ear | None:
    """Return where the watchdog's hints come; without it the keeper looks at its ticks alone."""
    try:
        return Ear(plan.hint_path)
    except OSError as error:
        _log.warning("Cannot listen for hints at %s: %s", plan.hint_path, error.strerror)
        return None


def _hands(plan: Plan, supervisord: Supervisord) -> Hands:
    processes = RealProcesses(plan.run_id)
    return Hands(supervisord, processes, sweep_wait_s=plan.settings.keeper.sweep_wait_s)


def _make(plan: Plan) -> tuple[Keeper, RealWorld]:
    supervisord = Supervisord(plan.socket_path)
    world = RealWorld(plan, supervisord)
    ledger = Ledger(
        plan.ledger_path,
        busy_timeout_s=plan.settings.ledger.busy_timeout_s,
        max_bytes=plan.settings.ledger.max_bytes,
    )
    if ledger.set_aside is not None:
        _log.error("The ledger was not usable; it is kept as %s", ledger.set_aside)
    book = IncidentBook(ledger, plan.run_id, time.time)
    chosen = plan.settings.keeper
    dumps = StackDumps(
        chosen.dump_command,
        Path(plan.state_dir) / "dumps",
        wait_s=chosen.dump_wait_s,
        max_bytes=chosen.dump_max_bytes,
        max_files=chosen.dump_files,
        urls=addresses(plan),
        url_timeout_s=plan.settings.extension.stacks_timeout_s,
    )
    means = Means(_hands(plan, supervisord), dumps, [reclaims(plan), Room(plan)])
    return Keeper(plan, world, means, book), world


def _wait_s(keeper: Keeper, tick_s: float) -> float:
    """Return how long to wait for an event: to the next restart that is due, at most one tick."""
    due_s = keeper.next_due_s()
    until_due_s = 0.0 if due_s is None else due_s - time.monotonic()
    # What was due before was done in the look, or waits for a gate that no clock opens.
    return min(tick_s, until_due_s + _LATE_S) if until_due_s > 0 else tick_s


def _wait(keeper: Keeper, world: RealWorld, listener: Listener, tick_s: float) -> bool:
    """Wait until there is something to look at; return False when supervisord is gone."""
    while True:
        events = listener.wait(_wait_s(keeper, tick_s))
        if events is None:
            return False
        if events:
            world.hint()
        if keeper.next_due_s() is not None or not world.is_unchanged():
            return True


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _see_out(plan: Plan, listener: Listener) -> int:
    """Do nothing more until supervisord, which is stopping, ends us or is gone.

    We are the last that it ends: what is left of the others then, such as a child that a WebUI
    put into the background, would outlive the worker.
    """
    _log.info("supervisord is stopping everything")
    signal.signal(signal.SIGTERM, _leave)
    try:
        while listener.wait(_FOREVER_S) is not None:
            pass
    finally:
        _end_left_over(plan, os.getppid())
    return 0


def _end_orphans(plan: Plan) -> int:
    """Kill what a supervisord that was itself killed has left behind.

    Unsupervised programs would take jobs, bill and hold ports, and nobody would restart them.
    """
    _log.critical("supervisord is gone: ending its programs")
    _end_left_over(plan, None)
    return 1


def _end_left_over(plan: Plan, supervisord_pid: int | None) -> None:
    """Kill every process of a program that has no main process under a living supervisord."""
    hands, processes = _hands(plan, Supervisord(plan.socket_path)), RealProcesses(plan.run_id)
    for program in plan.programs:
        found = processes.members(program.name, 0) if program.role != "keeper" else set()
        parents = {each.ppid for pid, _ in found if (each := process.stat(pid)) is not None}
        if found and supervisord_pid not in parents:
            _log.info("%s: %s", program.name, hands.kill(program.name, 0))


def run(plan: Plan, listener: Listener) -> int:
    """Look at every event and every tick, until supervisord is gone or the plan is a new one."""
    keeper, world = _make(plan)
    while True:
        try:
            keeper.look()
        except ShuttingDownError:
            return _see_out(plan, listener)
        except SupervisordError as error:
            _log.warning("Cannot look: %s", error)
        if keeper.leaving:
            _log.info("Ending, so that supervisord starts the keeper anew")
            return 0
        if not _wait(keeper, world, listener, plan.settings.keeper.tick_s):
            return _end_orphans(plan)


def main() -> int:
    """Run the keeper."""
    protocol = _private_stdout()
    try:
        plan = plans.read_own(os.environ)
        logs.set_up(plan.settings.logs.level)
        Path(plan.state_dir).mkdir(parents=True, exist_ok=True)
        return run(plan, Listener(sys.stdin.fileno(), protocol, _ear(plan)))
    except PodkeeperError as error:
        sys.stderr.write(f"CRITICAL keeper: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
