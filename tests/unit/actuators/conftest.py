"""WebUIs that last as long as a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reclaim_standins import Other, Sim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


@pytest.fixture
def simulate() -> Iterator[Callable[..., Sim]]:
    """Return what starts a simulated WebUI."""
    made: list[Sim] = []

    def start(**changes: Any) -> Sim:
        made.append(Sim(**changes))
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def pretend() -> Iterator[Callable[..., Other]]:
    """Return what starts a WebUI with these answers."""
    made: list[Other] = []

    def start(**answers: tuple[int, Any]) -> Other:
        named = {name.replace("_", "-"): answer for name, answer in answers.items()}
        made.append(Other(named))
        return made[-1]

    yield start
    for each in made:
        each.close()
