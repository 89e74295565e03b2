"""How near is one thing to running out?

Covers: the value that the watchdog makes of each reading that has a limit, for the keeper, the
pages and people.
Leaves out: when it is too near (`policy.pressure`), which there are (`policy.signals`).
"""

from __future__ import annotations

import msgspec

#: The pressure of what has room.
CALM = "calm"


class SignalReading(msgspec.Struct, frozen=True, kw_only=True):
    """One signal at one instant."""

    #: A word of `policy.signals.Kind`.
    kind: str
    #: Of what: a program's name, a folder, a GPU's index; empty for the worker as a whole.
    subject: str
    #: The process it is about, where it is about a program.
    pid: int = 0
    #: What is left, in the kind's unit; below zero where it is overdrawn. None is unknown.
    headroom: float | None
    #: What there is in all.
    capacity: float | None
    #: calm, soft, hard or critical.
    pressure: str = CALM
    #: CLOCK_MONOTONIC since when it has been short without a break; None while it is not.
    short_since_s: float | None = None
    #: Headroom below which it is soft, hard and critical; None where there is no such line.
    soft: float | None = None
    hard: float | None = None
    critical: float | None = None
    #: What it loses in a second, by its latest trend; below 0 where it grows, None where unknown.
    fill_per_s: float | None = None
    #: Time until nothing is left at that rate; None where it does not fall or is not known.
    exhausted_in_s: float | None = None
