"""The handler program: from the plan of this start to a running RunPod worker."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from handler import door, environment
from handler.attempt import Times
from handler.calibrations import Calibrations
from handler.job import Terms
from handler.journal import Journal
from handler.making import Fitting
from handler.planning import Planner, Watched
from handler.pool import Pool
from handler.remedies import Restarts
from handler.validation.limits import limits_of
from handler.webui import WebUI
from handler.worker import Book, Worker
from handler.workfile import WorkFile
from podkeeper import logs
from podkeeper.errors import PodkeeperError
from podkeeper.policy.journal import Rules
from podkeeper.settings import plan as plans
from podkeeper.settings import vram
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan
    from podkeeper.settings.schema import Settings

#: What an answer of the WebUI holds beside the result: the echo of the request.
_ECHO_FACTOR = 2


def _fitting(plan: Plan) -> Fitting:
    """Return what jobs are fitted to the cards with.

    Raises:
        PodkeeperError: The constants of the estimate cannot be read.
    """
    chosen, webui, table = plan.settings.planning, plan.settings.webui, vram.read()
    path = plan.handler_state_path / "memory.json"
    known = Calibrations(path, table.calibration, chosen.calibration_ratio)
    programs = plan.of_role("webui")
    watched = Watched(
        plan.snapshot_path,
        {program.name: index for index, program in enumerate(programs)},
        {program.name: program.memory_hard_bytes for program in programs},
    )
    restarts = Restarts(
        Supervisord(plan.socket_path),
        plan.snapshot_path,
        wait_s=webui.stop_wait_s + chosen.restart_wait_s,
        period_s=webui.probe_period_s,
    )
    return Fitting(Planner(chosen, table, known, watched), restarts)


def _terms(settings: Settings, fitting: Fitting) -> Terms:
    handler, webui = settings.handler, settings.webui
    times = Times(
        job_timeout_s=handler.job_timeout_s,
        interrupt_wait_s=handler.interrupt_wait_s,
        interrupt_period_s=webui.probe_period_s,
        progress_period_s=handler.progress_period_s,
    )
    return Terms(limits_of(handler), times, handler.attempts, handler.max_result_bytes, fitting)


def _rules(settings: Settings) -> Rules:
    chosen = settings.journal
    return Rules(
        attempts=settings.handler.attempts,
        take_up_s=chosen.take_up_s,
        job_timeout_s=settings.handler.job_timeout_s,
        result_keep_s=chosen.result_keep_s,
    )


def _pool(plan: Plan) -> Pool:
    handler, webui = plan.settings.handler, plan.settings.webui
    webuis = [
        WebUI(
            program.name,
            program.readiness_url,
            probe_timeout_s=webui.probe_timeout_s,
            max_answer_bytes=_ECHO_FACTOR * handler.max_result_bytes,
        )
        for program in plan.of_role("webui")
        if program.readiness_url is not None
    ]
    return Pool(webuis, wait_s=handler.ready_wait_s, period_s=webui.probe_period_s)


def main() -> int:
    """Run the worker until it is told to leave; return the process's exit code."""
    try:
        plan = plans.read_own(os.environ)
        logs.set_up(plan.settings.logs.level)
        terms = _terms(plan.settings, _fitting(plan))
    except PodkeeperError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there may be no log level to log with yet
        return error.exit_code
    fault = environment.fault(os.environ, sys.argv[1:])
    if fault:
        print(fault, file=sys.stderr)  # noqa: T201 - the one line the start ends with
        return 2
    _work(plan, terms)
    return 0


def _work(plan: Plan, terms: Terms) -> None:
    """Take and run jobs until the process is told to leave."""
    told = environment.addresses(os.environ, sys.argv[1:])
    way = None if told is None else door.opened(told[0])
    if way is not None:
        os.environ.update(way.environment)
    # Imported late: it takes seconds, and what is wrong with the start should be seen first. It
    # also reads the addresses, once.
    from handler import gateway  # noqa: PLC0415 - see above

    settings, pool = plan.settings, _pool(plan)
    times_s = settings.handler.progress_timeout_s, settings.journal.delivery_timeout_s
    poster = gateway.poster("" if told is None else told[1], *times_s)
    file = WorkFile(plan.work_path, plan.run_id, settings.handler.work_period_s)
    file.clear()
    book = Book(file, gateway.in_progress)
    worker = Worker(terms, pool, poster.post, settings.handler.progress_step_ratio, book)
    if way is None:
        gateway.serve_locally(worker.handle)
        return
    from handler.durability import Durability, Parts  # noqa: PLC0415 - it takes as long

    path, pod = plan.journal_path, gateway.pod()
    journal = Journal(path, settings.journal, _rules(settings), pod)
    file.fault = lambda: journal.fault
    for webui in pool.webuis:
        # What a killed handler has begun may still run there, and nobody waits for it.
        webui.suspect = journal.found_running
    parts = Parts(journal, worker, poster, way, gateway.in_progress)
    gateway.serve(
        Durability(parts, settings.journal),
        journal.open_names(),
        concurrency=max(1, len(pool.webuis)),
        heartbeat_s=settings.runpod.ping_interval_s,
    )
    file.clear()


if __name__ == "__main__":
    sys.exit(main())
