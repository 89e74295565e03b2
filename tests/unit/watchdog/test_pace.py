"""How often is looked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from podkeeper.model.snapshot import ContainerMemory
from podkeeper.policy.pace import is_calm

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.model.snapshot import ProgramReading, Snapshot

    MakeProgram = Callable[..., ProgramReading]
    MakeSnapshot = Callable[..., Snapshot]

WELL = {"state": "RUNNING", "ready": True, "memory_bytes": 40}
LIMITS = {"webui": 100, "handler": None}


@pytest.mark.parametrize(
    ("changed", "calm"),
    [
        ({}, True),
        ({"memory_bytes": 50}, True),
        ({"memory_bytes": 51}, False),
        ({"memory_bytes": None}, True),
        ({"ready": None}, True),
        ({"ready": False}, False),
        ({"state": None}, True),
        ({"state": "STARTING"}, False),
        ({"state": "EXITED"}, False),
        ({"alive": False}, False),
        ({"stopped": True}, False),
    ],
)
def test_one_program_that_is_not_well_is_enough_to_look_often(
    program: MakeProgram, snapshot: MakeSnapshot, changed: dict[str, Any], *, calm: bool
) -> None:
    """Close to a limit, not ready, not running: each is a reason; an unknown reading is none."""
    taken = snapshot(program("handler", **WELL), program("webui", **{**WELL, **changed}))
    assert is_calm(taken.memory, taken.programs, LIMITS, 0.5) is calm


def test_the_container_counts_as_well(program: MakeProgram, snapshot: MakeSnapshot) -> None:
    """What nobody's limit covers fills the container all the same."""
    memory = ContainerMemory(capacity_bytes=100, working_set_bytes=80, oom_kills=0)
    taken = snapshot(program("webui", **WELL), memory=memory)
    assert not is_calm(taken.memory, taken.programs, LIMITS, 0.5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(memory=st.integers(0, 200), less=st.integers(0, 200))
def test_less_memory_is_never_less_calm(
    program: MakeProgram, snapshot: MakeSnapshot, memory: int, less: int
) -> None:
    """Calm depends on the distance to the limit alone."""

    def calm(memory_bytes: int) -> bool:
        reading = program("webui", **{**WELL, "memory_bytes": memory_bytes})
        return is_calm(snapshot().memory, [reading], LIMITS, 0.5)

    assert calm(max(0, memory - less)) or not calm(memory)
