"""What the keeper reads by itself."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hooks.keeper_world import RealWorld
from podkeeper.probes import process
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from podkeeper.settings.plan import Plan

#: Holds memory, as does a child of its own; both wait.
PARENT = """
import os, sys
held = b"x" * (20 << 20)
child = os.fork()
if child:
    print("up", flush=True)
sys.stdin.read()
"""
MIB = 1 << 20


@pytest.fixture
def parent() -> Iterator[int]:
    """Give the pid of a process with a child, each of 20 MiB and more."""
    command = [sys.executable, "-c", PARENT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == b"up\n"
        yield started.pid


def test_a_second_reading_looks_no_further_than_it_must(
    plan_of: Callable[..., Plan], parent: int
) -> None:
    """Where the main process alone holds too much, nobody else is looked for."""
    plan = plan_of()
    world = RealWorld(plan, Supervisord(plan.socket_path))
    own = process.memory_of(parent)
    assert own is not None
    assert world.memory_of("webui", parent, own - MIB) == own
    whole = world.memory_of("webui", parent, own + MIB)
    assert whole is not None
    assert whole >= own + 20 * MIB


def test_who_is_gone_holds_nothing_that_is_known(plan_of: Callable[..., Plan]) -> None:
    """A program without a process has no second reading."""
    plan = plan_of()
    world = RealWorld(plan, Supervisord(plan.socket_path))
    assert world.memory_of("webui", 0, 0) is None
