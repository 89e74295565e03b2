"""How does a report or an incident look in a terminal?

Covers: plain text for `status` and `incidents`; the level is coloured where the caller asks.
Leaves out: what is in them (`console.report`, `model.incident`).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from podkeeper.units import format_size, format_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.console.report import ProgramLine, Report
    from podkeeper.model.incident import Incident

_COLOURS = {"ok": "32", "warning": "33", "failed": "31"}
_UNKNOWN = "-"
_BAR_CELLS = 20


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines with their columns aligned to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def bar(ratio: float) -> str:
    """Return a bar that is filled to a share from 0 to 1."""
    filled = round(min(max(ratio, 0.0), 1.0) * _BAR_CELLS)
    return "█" * filled + "░" * (_BAR_CELLS - filled)


def instant(at_s: float) -> str:
    """Return an instant as local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_s))


def _size(size_bytes: int | None) -> str:
    return _UNKNOWN if size_bytes is None else format_size(size_bytes)


def _program_row(line: ProgramLine) -> list[str]:
    ready = {True: "ready", False: "not ready", None: _UNKNOWN}[line.ready]
    return [
        line.name,
        line.state,
        ready,
        _UNKNOWN if line.pid is None else str(line.pid),
        _UNKNOWN if line.uptime_s is None else format_span(line.uptime_s),
        _size(line.memory_bytes),
        _size(line.memory_hard_bytes),
        _UNKNOWN if line.processes is None else str(line.processes),
    ]


_HEAD = ["PROGRAM", "STATE", "READY", "PID", "UPTIME", "MEMORY", "LIMIT", "PROCESSES"]


def status(report: Report, *, colour: bool) -> str:
    """Return the status screen."""
    word = report.level.upper()
    if colour:
        word = f"\x1b[1;{_COLOURS[report.level]}m{word}\x1b[0m"
    taking = "can take a job" if report.ready else "cannot take a job"
    lines = [f"podkeeper {report.version}: {word}, {taking}"]
    lines += [f"  ! {finding}" for finding in report.findings]
    lines += ["", *table([_HEAD, *map(_program_row, report.programs)]), ""]
    used, capacity = report.memory_used_bytes, report.memory_capacity_bytes
    share = "" if used is None else f"{bar(used / capacity)} {100 * used / capacity:.0f}%  "
    lines.append(f"memory     {share}{_size(used)} of {_size(capacity)}")
    for gpu in report.gpus:
        lines.append(
            f"gpu {gpu.index}      {gpu.name or _UNKNOWN}:"
            f" {_size(gpu.memory_used_bytes)} of {_size(gpu.memory_capacity_bytes)}"
        )
    lines.append(f"incidents  {report.incidents} in this start, {report.open_incidents} open")
    return "\n".join(lines)


_INCIDENT_HEAD = ["ID", "TIME", "PROGRAM", "CAUSE", "BACK AFTER", "WHAT HAPPENED"]


def incidents(found: Sequence[Incident]) -> str:
    """Return a list of incidents, one line each."""
    rows = [
        [
            str(each.id),
            instant(each.opened_at_s),
            each.program,
            each.cause,
            "open" if each.recovery_s is None else format_span(each.recovery_s),
            each.sentence,
        ]
        for each in found
    ]
    return "\n".join(table([_INCIDENT_HEAD, *rows])) if rows else "no incidents"


def evidence_value(name: str, value: object) -> str:
    """Return a reading around an incident, with its size in words where it is one."""
    if isinstance(value, int) and name.endswith("_bytes"):
        return f"{format_size(value)} ({value})"
    return "unknown" if value is None else str(value)


def incident(found: Incident) -> str:
    """Return all there is to one incident."""
    lines = [
        f"incident {found.id}: {found.program} {found.sentence}",
        f"  cause     {found.cause}",
        f"  opened    {instant(found.opened_at_s)}, pid {found.pid or _UNKNOWN}",
    ]
    if found.closed_at_s is not None and found.recovery_s is not None:
        after = format_span(found.recovery_s)
        lines.append(f"  closed    {instant(found.closed_at_s)}, back after {after}")
    else:
        lines.append("  closed    still open")
    lines += [f"  did       {each.deed}: {each.outcome}" for each in found.actions]
    lines += [
        f"  saw       {name}: {evidence_value(name, v)}" for name, v in found.evidence.items()
    ]
    return "\n".join(lines)
