"""Who makes room on a disk that is short of it?

Covers: the cleaner as one who can be asked by the keeper (`loops.world.Giver`): what is needed,
what must stay because a WebUI has it loaded, what came of it in words.
Leaves out: what may go (`loops.cleaning`), removing it (`actuators.disk`), which a keeper loads
only when a disk is short.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.model import snapshot
from podkeeper.policy.signals import Kind, Signal
from podkeeper.units import format_size

if TYPE_CHECKING:
    from podkeeper.actuators.cleaned import Cleaned
    from podkeeper.actuators.disk import Cleaner
    from podkeeper.model.snapshot import Snapshot
    from podkeeper.settings.plan import Plan

_KINDS = (Kind.DISK, Kind.INODES)
#: Largest of what was removed that are named.
_NAMED = 5


class Room:
    """Makes room on disks."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        chosen = plan.settings.disk
        self._has_rules = any(getattr(chosen, kind) for kind in chosen.order)
        self._cleaner: Cleaner | None = None
        self._under_way: Signal | None = None

    def can(self, signal: Signal, program: str) -> bool:
        """Return whether anything may go from disks at all."""
        return not program and signal.kind in _KINDS and self._has_rules

    def begin(self, signal: Signal, program: str, missing: float | None, *, idle: bool) -> None:
        """Begin to remove what may go, until what is missing is there."""
        del idle  # what may go is nobody's
        newest = snapshot.read(self._plan.snapshot_path)
        if not self.can(signal, program) or missing is None or newest is None:
            return
        from podkeeper.actuators.diskstep import Task  # noqa: PLC0415 - see the module
        from podkeeper.loops.cleaning import cleaner_of  # noqa: PLC0415 - the same
        from podkeeper.policy.cleaning import Need  # noqa: PLC0415 - the same

        inodes = signal.kind == Kind.INODES
        need = Need(inodes=int(missing)) if inodes else Need(size_bytes=int(missing))
        pids = [each.pid for each in newest.programs if each.pid]
        self._cleaner = self._cleaner or cleaner_of(self._plan)
        if self._cleaner.begin(Task(signal.subject, need, loaded=_loaded(newest), ours=pids)):
            self._under_way = signal

    def finished(self) -> list[tuple[Signal, str]]:
        """Return what has ended since the last call, and what came of it."""
        outcome = self._cleaner.finished() if self._cleaner is not None else None
        if outcome is None or self._under_way is None:
            return []
        return [(self._under_way, in_words(outcome))]


def in_words(outcome: Cleaned) -> str:
    """Return what came of making room, the largest of what is gone by name."""
    from podkeeper.actuators.cleaned import shown  # noqa: PLC0415 - see the module

    largest = sorted(outcome.removed, key=lambda each: -each.size_bytes)[:_NAMED]
    named = ", ".join(f"{shown(each.path)} ({format_size(each.size_bytes)})" for each in largest)
    return f"{outcome}; the largest: {named}" if named else str(outcome)


def _loaded(newest: Snapshot) -> list[str]:
    """Return the checkpoints that WebUIs say they hold."""
    told = (each.webui_memory for each in newest.programs)
    return [name for memory in told if memory for name in memory.checkpoints or ()]
