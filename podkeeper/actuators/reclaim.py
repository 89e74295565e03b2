"""How is a WebUI asked to give memory back, without ever waiting for it?

Covers: a thread for each signal that is squeezed, one conversation at a time with each WebUI, and
what came of it. What its callers see is the keeper's `Giver`.
Leaves out: the conversation (`actuators.reclaim_webui`), when and why (`policy.ladder`).
"""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from podkeeper.actuators.reclaim_webui import Bounds, Wanted, relieve
from podkeeper.loopback import base_of
from podkeeper.policy.signals import Kind, Signal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.plan import Plan

#: What a WebUI can give back.
_KINDS = (Kind.PROGRAM_MEMORY, Kind.MEMORY, Kind.VRAM)


class Reclaims:
    """Asks WebUIs to give memory back."""

    def __init__(self, bases: Mapping[str, str], bounds: Bounds) -> None:
        self._bases = bases
        self._bounds = bounds
        #: The signal that each WebUI is being asked for.
        self._under_way: dict[str, Signal] = {}
        self._ended: queue.SimpleQueue[tuple[Signal, list[str], str]] = queue.SimpleQueue()

    def can(self, signal: Signal, program: str) -> bool:
        """Return whether a WebUI could relieve a signal: memory of its own, or nobody's alone."""
        return signal.kind in _KINDS and bool(self._asked(program))

    def _asked(self, program: str) -> list[str]:
        """Return whom to ask: the program, or every WebUI where it is nobody's."""
        if not program:
            return list(self._bases)
        return [program] if program in self._bases else []

    def begin(self, signal: Signal, program: str, missing: float | None, *, idle: bool) -> None:
        """Begin to ask; nothing where that is on its way already.

        Args:
            signal: What is squeezed.
            program: The WebUI; empty for all of them.
            missing: Bytes that are wanted; None where that is not known.
            idle: Whether the WebUI has no job in hand.
        """
        free = [each for each in self._asked(program) if each not in self._under_way]
        if not free or signal.kind not in _KINDS:
            return
        self._under_way.update(dict.fromkeys(free, signal))
        wanted = Wanted(
            vram=signal.kind == Kind.VRAM,
            missing_bytes=None if missing is None else int(missing),
            # Who is asked for nobody's signal may well have a job.
            idle=idle and bool(program),
        )
        name = f"reclaim {signal}"
        work = threading.Thread(target=self._run, args=(signal, free, wanted), name=name)
        work.daemon = True
        work.start()

    def _run(self, signal: Signal, programs: list[str], wanted: Wanted) -> None:
        said = []
        for each in programs:
            try:
                outcome = relieve(self._bases[each], wanted, self._bounds)
            # Whatever it is, the keeper must hear of it, and the next reclaim must not wait for it.
            except Exception as error:  # noqa: BLE001 - see above
                outcome = f"cannot reclaim: {type(error).__name__}: {error}"
            said.append(f"{each}: {outcome}")
        self._ended.put((signal, programs, "; ".join(said)))

    def finished(self) -> list[tuple[Signal, str]]:
        """Return what has ended since the last call, and what came of it."""
        found = []
        while not self._ended.empty():
            signal, programs, outcome = self._ended.get()
            for each in programs:
                del self._under_way[each]
            found.append((signal, outcome))
        return found


def reclaims(plan: Plan) -> Reclaims:
    """Return what asks the WebUIs of a plan."""
    chosen = plan.settings.extension
    bases = {
        each.name: base_of(each.readiness_url)
        for each in plan.of_role("webui")
        if each.readiness_url is not None
    }
    return Reclaims(bases, Bounds(chosen.reclaim_wait_s, chosen.reclaim_timeout_s))
