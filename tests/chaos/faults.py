"""Which faults does a campaign do, to what and when?

Covers: faults as values, drawn from a seed alone, and their form on paper, so that a failing plan
can be done again.
Leaves out: doing them (`campaign`), what must hold afterwards (`judge`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(StrEnum):
    """What is done to a program."""

    KILL = "kill"
    TERM = "term"
    FREEZE = "freeze"
    KILL_CHILD = "kill_child"
    KILL_HEARTBEAT = "kill_heartbeat"


class Moment(StrEnum):
    """When it is done."""

    STEADY = "steady"
    #: Soon after an operator started the program.
    START = "start"
    #: While the program ends because an operator stopped it.
    STOP = "stop"
    #: Soon after the program was killed and started again.
    RESTART = "restart"
    #: At the same time as the kill of another program.
    TOGETHER = "together"


#: What is done to which program. Nothing answers a frozen platform, which is a stand-in.
ENABLED: dict[str, tuple[Kind, ...]] = {
    "webui": (Kind.KILL, Kind.TERM, Kind.FREEZE, Kind.KILL_CHILD),
    "handler": (Kind.KILL, Kind.TERM, Kind.FREEZE, Kind.KILL_HEARTBEAT),
    "watchdog": (Kind.KILL, Kind.TERM, Kind.FREEZE),
    "keeper": (Kind.KILL, Kind.TERM, Kind.FREEZE),
    "platform": (Kind.KILL, Kind.TERM),
}
#: A child can be looked for in a program that has come up, not in one that is starting or ending.
_ONLY_STEADY = (Kind.KILL_CHILD, Kind.KILL_HEARTBEAT)
_LONGEST_WAIT_S = 0.6


@dataclass(frozen=True)
class Fault:
    """One fault."""

    kind: Kind
    target: str
    moment: Moment
    #: Time between the moment's beginning and the blow.
    wait_s: float
    #: Whom the second blow hits, where there are two at once.
    other: str | None = None

    def __str__(self) -> str:
        beside = f" beside a kill of {self.other}" if self.other else ""
        return f"{self.kind} {self.target} at {self.moment} + {self.wait_s:.3f} s{beside}"


def draw(seed: int, count: int) -> list[Fault]:
    """Return a campaign's faults; the same seed gives the same ones."""
    luck = random.Random(seed)  # noqa: S311 - a plan, not a secret
    return [_draw_one(luck) for _ in range(count)]


def _draw_one(luck: random.Random) -> Fault:
    target = luck.choice(sorted(ENABLED))
    kind = luck.choice(ENABLED[target])
    moment = Moment.STEADY if kind in _ONLY_STEADY else luck.choice(list(Moment))
    others = [each for each in sorted(ENABLED) if each != target]
    other = luck.choice(others) if moment == Moment.TOGETHER else None
    return Fault(kind, target, moment, round(luck.uniform(0.0, _LONGEST_WAIT_S), 3), other)


def to_text(faults: Iterable[Fault]) -> str:
    """Return faults as lines of JSON."""
    return "".join(msgspec.json.encode(each).decode() + "\n" for each in faults)


def from_text(text: str) -> list[Fault]:
    """Return the faults in lines of JSON.

    Raises:
        msgspec.DecodeError: A line is no fault.
    """
    return [msgspec.json.decode(line, type=Fault) for line in text.splitlines() if line.strip()]
