"""When did something happen, so that its age is known whatever clocks and processes do since?"""

from __future__ import annotations

import msgspec


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """An instant by two clocks.

    The wall clock is set, and jumps when a snapshot of the machine is brought back. The other one
    never jumps, but says nothing once the kernel has started anew.
    """

    wall_s: float
    #: CLOCK_BOOTTIME.
    boot_s: float
    #: Which start of the kernel it counts from; empty where that is not known.
    boot: str

    def age_s(self, now: Moment) -> float:
        """Return how long ago it was; never below 0."""
        same = self.boot != "" and self.boot == now.boot
        passed_s = now.boot_s - self.boot_s if same else now.wall_s - self.wall_s
        return max(0.0, passed_s)
