"""Which worker do the commands that look at one mean, and what does it say?"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from podkeeper.console.report import Findings, Report, report
from podkeeper.errors import LedgerError
from podkeeper.model import snapshot, work
from podkeeper.policy.orders import INTAKE, Wanted
from podkeeper.recorders.ledger_reader import LedgerReader
from podkeeper.settings import folders
from podkeeper.settings import plan as plans
from podkeeper.settings.load import load
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from podkeeper.model.incident import Incident
    from podkeeper.model.work import Work
    from podkeeper.settings.load import Source
    from podkeeper.settings.plan import Plan


def find_plan(source: Source) -> Plan:
    """Return the plan of the worker that was last started with these settings.

    Raises:
        PlanError: None was started there.
        SettingsError: The settings, which say where, are bad.
    """
    settings = load(source).settings
    return plans.read(folders.runtime_dir(settings, os.environ) / plans.FILE_NAME)


def incidents_of(plan: Plan, *, all_starts: bool = False) -> list[Incident]:
    """Return the incidents of a start, or of all starts the ledger knows, newest first."""
    if not plan.ledger_path.is_file():
        return []
    reader = LedgerReader(plan.ledger_path)
    try:
        found = reader.incidents()
    finally:
        reader.close()
    return [each for each in found if all_starts or each.run_id == plan.run_id]


def wanted_of(plan: Plan) -> tuple[Wanted, int]:
    """Return what operators want of a worker, and the last order that the keeper has taken."""
    if not plan.ledger_path.is_file():
        return Wanted(), -1
    reader = LedgerReader(plan.ledger_path)
    try:
        wanted = reader.recall(plan.run_id, "wanted", Wanted)
        last = reader.recall(plan.run_id, "last_order", int)
    finally:
        reader.close()
    return wanted or Wanted(), -1 if last is None else last


def work_of(plan: Plan, handler_pid: int | None) -> Work | None:
    """Return what the handler that runs says of itself, or None where it says nothing."""
    try:
        found = work.read(plan.work_path)
    except OSError:
        return None
    if found is None or found.run_id != plan.run_id or found.handler_pid != handler_pid:
        return None
    return found


def jobs_in_hand(plan: Plan, handler_pid: int | None) -> int | None:
    """Return how many jobs the handler that runs has, or None where that is not known."""
    found = work_of(plan, handler_pid)
    return None if found is None else len(found.jobs)


def ask(plan: Plan) -> Report:
    """Return how a worker is, from its supervisord, its snapshot and its ledger.

    Raises:
        SupervisordError: It does not run.
    """
    infos = {each.name: each for each in Supervisord(plan.socket_path).programs()}
    try:
        newest = snapshot.read(plan.snapshot_path)
    except OSError:
        newest = None  # the report says that there is none
    if newest is not None and newest.run_id != plan.run_id:
        newest = None
    try:
        found = incidents_of(plan)
        wanted, _ = wanted_of(plan)
    except LedgerError:
        found, wanted = [], Wanted()
    handler = infos.get(INTAKE)
    return report(
        plan,
        Findings(
            infos,
            newest,
            found,
            time.monotonic(),
            time.time(),
            wanted,
            work_of(plan, handler.pid if handler is not None else None),
        ),
    )
