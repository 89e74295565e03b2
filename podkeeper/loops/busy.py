"""Which WebUIs have a job in hand, as the handler says?

Covers: the handler's file, read again only when it was replaced.
Leaves out: whether a job still moves (`loops.hanging`).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from podkeeper.model import work
from podkeeper.probes import files

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan

logger = logging.getLogger(__name__)


class Busy:
    """The WebUIs that work."""

    def __init__(self, plan: Plan) -> None:
        self._path = plan.work_path
        self._run_id = plan.run_id
        self._written: int | None = None
        self._names: frozenset[str] = frozenset()

    def look(self) -> frozenset[str]:
        """Return the names of the WebUI programs that have a job."""
        written = files.changed_at_ns(self._path)
        if written != self._written:
            self._written, self._names = written, self._read()
        return self._names

    def _read(self) -> frozenset[str]:
        try:
            newest = work.read(self._path)
        except OSError as error:
            logger.warning("cannot read which jobs are in hand: %s", error)
            return frozenset()
        if newest is None or newest.run_id != self._run_id:
            return frozenset()
        return frozenset(job.webui for job in newest.jobs if job.webui is not None)
