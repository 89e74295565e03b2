"""With which seeds does a job run?

A seed of -1 is drawn here, once, so that a second attempt makes the same images.
"""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_DRAW = -1
#: The range the WebUI draws from. The system's source is asked, not a generator of this process:
#: two workers restored from one memory image would draw the same numbers from it.
_RANGE = 2**32 - 2


def draw() -> int:
    """Return a seed nobody could foretell."""
    return secrets.randbelow(_RANGE)


def following(first: int) -> Callable[[], int]:
    """Return what gives the seeds that follow from a number: the same ones in every attempt.

    The number itself is drawn anew for each job, from the system's source.
    """
    source = random.Random(first)  # noqa: S311 - the number is what nobody can foretell
    return lambda: source.randrange(_RANGE)


def fixed(body: dict[str, Any], source: Callable[[], int] = draw) -> dict[str, Any]:
    """Return the body with every seed that is missing or -1 drawn from `source`."""
    seeds = {
        name: source() if body.get(name, _DRAW) == _DRAW else body[name]
        for name in ("seed", "subseed")
    }
    return {**body, **seeds}
