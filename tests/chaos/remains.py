"""What of a worker is where it should not be?

Covers: processes that belong to no living program, zombies, files in the runtime folder, ports.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from podkeeper.probes import proc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from podkeeper.settings.plan import Plan

#: Programs that do not await their children, as the web servers they stand for do not.
_CARELESS = ("webui",)


def orphans(plan: Plan, mains: Mapping[str, int]) -> list[str]:
    """Return the processes of this start that are older than the life their program has now."""
    seen, marks, found = proc.scan(), proc.Marks(), []
    for process in seen.values():
        mark = marks.of(process) if process.alive else None
        if mark is None or mark[1] != plan.run_id:
            continue
        main = seen.get(mains.get(mark[0], 0))
        if main is None or process.start_ticks < main.start_ticks:
            found.append(f"pid {process.pid} of an earlier {mark[0]} still runs")
    return found


def zombies(supervisord_pid: int, mains: Mapping[str, int]) -> list[str]:
    """Return the dead that nobody has awaited."""
    seen = proc.scan()
    parents = {supervisord_pid, *(pid for name, pid in mains.items() if name not in _CARELESS)}
    return [
        f"pid {each.pid} is a zombie of pid {each.ppid}"
        for each in seen.values()
        if each.state == "Z" and each.ppid in parents
    ]


def files(folder: Path) -> set[str]:
    """Return the names of all files in a folder and below."""
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if not each.is_dir()}


def left_files(folder: Path, before: Iterable[str]) -> list[str]:
    """Return the files that were not there when the worker had just come up."""
    return [f"{name} is left in the runtime folder" for name in sorted(files(folder) - {*before})]


def taken_ports(plan: Plan) -> list[str]:
    """Return the worker's ports that somebody still listens on."""
    chosen = plan.settings
    ports = (chosen.webui.port, chosen.watchdog.port, chosen.platform.port)
    return [f"port {port} is still taken" for port in ports if not _is_free(port)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
