"""How soon is the next look worth its cost?

Covers: the watchdog's pause between two snapshots, from the newest one, and between two looks at
the little that tells whether a limit was crossed meanwhile. Seldom while everything
runs and is far from every limit; otherwise often, so that what is close to a limit is seen to
cross it. An unknown reading is no reason to hurry: it does not become known by looking more often.
Leaves out: what a limit is and what is done about it (`policy.pressure`, `policy.duty`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Memory(Protocol):
    """The container's memory, as far as it counts here."""

    @property
    def working_set_bytes(self) -> int | None:
        """Return what is used."""

    @property
    def capacity_bytes(self) -> int | None:
        """Return what there is."""


class Program(Protocol):
    """One program's reading, as far as it counts here."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def state(self) -> str | None:
        """Return supervisord's word."""

    @property
    def ready(self) -> bool | None:
        """Return whether it can do its work."""

    @property
    def alive(self) -> bool | None:
        """Return whether it answers."""

    @property
    def stopped(self) -> bool | None:
        """Return whether its main process is stopped."""

    @property
    def memory_bytes(self) -> int | None:
        """Return what it uses."""


def is_calm(
    memory: Memory,
    programs: Sequence[Program],
    limits_bytes: Mapping[str, int | None],
    calm_ratio: float,
) -> bool:
    """Return whether all programs run, are ready, and everything is far from its limit.

    Args:
        memory: The newest reading of the container.
        programs: The newest readings of the programs.
        limits_bytes: The hard limit of each program by name; None where it has none.
        calm_ratio: The share of a limit up to which it is far away.
    """
    return _is_far(memory.working_set_bytes, memory.capacity_bytes, calm_ratio) and all(
        _is_settled(each) and _is_far(each.memory_bytes, limits_bytes.get(each.name), calm_ratio)
        for each in programs
    )


def _is_settled(program: Program) -> bool:
    well = program.ready is not False and program.alive is not False and not program.stopped
    return well and program.state in ("RUNNING", None)


def _is_far(used_bytes: int | None, limit_bytes: int | None, calm_ratio: float) -> bool:
    return used_bytes is None or limit_bytes is None or used_bytes <= calm_ratio * limit_bytes


#: The pause before a look at what is on its way across its line, as a share of the shortest pause.
_HURRY_RATIO = 0.1
#: The time over which looking keeps to its share of the processor.
_WINDOW_S = 1.0


@dataclass(frozen=True)
class Rates:
    """How fast things can go, and how much looking may cost."""

    #: The fastest that memory can be taken, in bytes a second.
    fill_bytes_per_s: float
    #: The shortest pause there is, unless a line is about to be crossed.
    shortest_s: float
    #: The share of one core that looking may cost.
    cpu_ratio: float


def reach_s(left_bytes: float, rate_bytes_per_s: float) -> float:
    """Return the time in which so much is used up at a rate; for ever where it does not sink."""
    return max(0.0, left_bytes) / rate_bytes_per_s if rate_bytes_per_s > 0 else math.inf


def pause_s(soonest_s: float, expected_s: float, spent_s: float, rates: Rates) -> float:
    """Return the pause before the next look.

    Args:
        soonest_s: In which time a line can be crossed at the fastest.
        expected_s: In which time one will be, if all goes on as between the last two looks.
        spent_s: What looking has cost above its share so far.
        rates: How fast things can go, and how much looking may cost.
    """
    hurry_s = max(expected_s, rates.shortest_s * _HURRY_RATIO)
    return max(soonest_s, min(rates.shortest_s, hurry_s), spent_s / rates.cpu_ratio - _WINDOW_S)


def spent_s(before_s: float, cost_s: float, elapsed_s: float, rates: Rates) -> float:
    """Return the processor time spent above its share, after one more look.

    Args:
        before_s: The same after the look before.
        cost_s: What this one has cost.
        elapsed_s: The time since the look before.
        rates: How much looking may cost.
    """
    return max(0.0, before_s + cost_s - elapsed_s * rates.cpu_ratio)
