"""How is one program: its state, its processes and what they hold?

Covers: from supervisord's word, a scan and the program's family to its reading.
Leaves out: asking supervisord (`loops.states`) and the program itself (`probes.readiness`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.model.snapshot import ProgramReading
from podkeeper.probes.liveness import NO_STREAK
from podkeeper.probes.process import (
    TICKS_PER_S,
    ProcessStat,
    Scan,
    holdings_of,
    io_bytes_of,
    open_files_limit_of,
    open_files_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from podkeeper.model.webui_memory import WebUIMemory
    from podkeeper.probes.liveness import Streak
    from podkeeper.probes.readiness import Readiness


def _sum(values: Iterable[int | None]) -> int | None:
    """Return the sum of what is known, or None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def program_reading(  # noqa: PLR0913 - one value from many
    name: str,
    role: str,
    *,
    state: str | None,
    main: ProcessStat | None,
    family: Iterable[tuple[int, int]],
    seen: Scan,
    readiness: Readiness,
    streak: Streak = NO_STREAK,
    webui_memory: WebUIMemory | None = None,
    root: Path = Path("/"),
) -> ProgramReading:
    """Return the reading of one program.

    `main` is its main process, None where it has none; `family` names all its living processes. A
    process that ends while it is read adds nothing.
    """
    pids = [pid for pid, _ in family]
    here = [seen[pid] for pid in pids]
    held = [holdings_of(pid, root) for pid in pids]
    opened = [open_files_of(pid, root) for pid in pids]
    return ProgramReading(
        name=name,
        role=role,
        state=state,
        pid=main.pid if main else None,
        start_ticks=main.start_ticks if main else None,
        memory_bytes=_sum(each.memory_bytes for each in held),
        rss_bytes=_sum(each.rss_bytes for each in here),
        processes=len(here),
        threads=_sum(each.threads for each in here),
        open_files=_sum(opened),
        cpu_s=sum(each.cpu_ticks for each in here) / TICKS_PER_S if here else None,
        ready=readiness.ready,
        readiness_detail=readiness.detail,
        alive=streak.alive,
        liveness_failures=streak.failures,
        liveness_detail=streak.detail,
        io_bytes=_sum(io_bytes_of(pid, root) for pid in pids),
        stopped=main.stopped if main else None,
        swap_bytes=_sum(each.swap_bytes for each in held),
        open_files_most=max((each for each in opened if each is not None), default=None),
        open_files_limit=open_files_limit_of(main.pid, root) if main else None,
        webui_memory=webui_memory,
    )
