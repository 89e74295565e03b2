"""A simulated WebUI for each test."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from sim_webui_client import Sim, running_sim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make_sim() -> Iterator[Callable[..., Sim]]:
    """Return a function that runs a simulated server with changed settings."""
    with contextlib.ExitStack() as stack:
        yield lambda **changes: stack.enter_context(running_sim(**changes))


@pytest.fixture
def sim(make_sim: Callable[..., Sim]) -> Sim:
    """Return a simulated server with quick settings, its checkpoint loaded."""
    made = make_sim()
    made.wait(lambda: made.world.models.loaded)
    return made
