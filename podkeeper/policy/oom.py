"""Which of the kernel's out-of-memory kills still waits for the death that it explains?

The kernel counts a kill when it decides; the death is seen when the process has given its memory
back, which takes a large one many looks. A kill therefore waits for its death, for a while: it may
have hit a process whose death nobody reports. Pure.
Leaves out: what else ends a process (`policy.cause`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Kills:
    """The kernel's kills as far as they are known."""

    #: All so far; None where they cannot be read.
    count: int | None
    #: When each that no death explains yet was first seen, oldest first.
    waiting_at_s: tuple[float, ...] = ()

    @property
    def explained(self) -> int | None:
        """Return how many of them cannot explain another death."""
        return None if self.count is None else self.count - len(self.waiting_at_s)


def look(known: Kills, count: int | None, now_s: float, wait_s: float) -> Kills:
    """Return what is known after a reading of the counter; one that fails changes no count.

    Args:
        known: What was known before.
        count: The counter's reading, None where it failed.
        now_s: The instant of the reading.
        wait_s: How long a kill waits for its death.
    """
    waiting = tuple(at_s for at_s in known.waiting_at_s if now_s - at_s <= wait_s)
    if count is None:
        return replace(known, waiting_at_s=waiting)
    new = 0 if known.count is None else max(0, count - known.count)
    return Kills(count, waiting + (now_s,) * new)


def explain_one(known: Kills) -> Kills:
    """Return what is known once a death was put down to the oldest kill that waits."""
    return replace(known, waiting_at_s=known.waiting_at_s[1:])
