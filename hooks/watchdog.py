"""The watchdog as a program: `python -m hooks.watchdog`.

It senses and reports; it judges nothing and touches nobody.
"""

from __future__ import annotations

import hooks.lean  # noqa: F401 - before everything that it keeps small

# isort: split
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

from podkeeper import logs
from podkeeper.console.pages import Pages
from podkeeper.console.server import Server, listen
from podkeeper.errors import PodkeeperError
from podkeeper.loops.watchdog import Watchdog
from podkeeper.recorders import metrics
from podkeeper.settings import plan as plans
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.plan import Plan

logger = logging.getLogger("watchdog")


def _serve(plan: Plan, watchdog: Watchdog) -> Server:
    """Return the console of a watchdog, listening but not serving yet."""
    chosen = plan.settings.watchdog
    pages = Pages(
        lambda: watchdog.newest,
        registry=metrics.load(),
        version=plan.version,
        max_age_s=plan.settings.keeper.watchdog_silence_s,
    )
    server = Server(
        listen(chosen.address, chosen.port),
        pages.answer,
        max_connections=chosen.max_connections,
        deadline_s=chosen.request_deadline_s,
    )
    logger.info("metrics and health are at http://%s:%d/", chosen.address, chosen.port)
    if not (chosen.address.startswith("127.") or chosen.address in {"::1", "localhost"}):
        logger.warning("%s is not loopback: whoever reaches it can read them", chosen.address)
    return server


def run(environ: Mapping[str, str]) -> int:
    """Sense and serve until SIGTERM; return the exit code."""
    plan = plans.read_own(environ)
    logs.set_up(plan.settings.logs.level)
    timeout_s = plan.settings.watchdog.states_timeout_s
    supervisord = Supervisord(plan.socket_path, timeout_s)
    watchdog = Watchdog(plan, supervisord.programs, os.getppid(), environ)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watchdog.stop())
    server = _serve(plan, watchdog)
    server.start()
    try:
        watchdog.run()
    finally:
        server.close()
    return 0


def main() -> int:
    """Run the watchdog; what it cannot do is one line on standard error."""
    try:
        return run(os.environ)
    except PodkeeperError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
