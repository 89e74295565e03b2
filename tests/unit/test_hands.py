"""The keeper's hands on real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper.actuators.programs import Hands
from podkeeper.probes import process
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Iterator

_TICK_S = 1 / process.TICKS_PER_S


class Family:
    """The processes that a test says belong to the program."""

    def __init__(self) -> None:
        self.children: list[subprocess.Popen[bytes]] = []

    def grow(self) -> subprocess.Popen[bytes]:
        """Start one more, in a later tick than all before it."""
        time.sleep(3 * _TICK_S)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.children.append(child)
        return child

    def members(self, _program: str, _main_pid: int) -> set[tuple[int, int]]:
        """Return those that run."""
        return {
            found.identity
            for each in self.children
            if (found := process.stat(each.pid)) is not None and found.alive
        }

    def is_alive(self, identity: tuple[int, int]) -> bool:
        """Return whether exactly this process runs."""
        return identity in self.members("", 0)


@pytest.fixture
def family() -> Iterator[Family]:
    """Give an empty family and end it."""
    made = Family()
    yield made
    for child in made.children:
        child.kill()
        child.wait()


def hands(family: Family) -> Hands:
    """Return hands that reach a family."""
    return Hands(Supervisord(Path("/no/socket")), family, sweep_wait_s=60)


def test_a_sweep_leaves_nobody(family: Family) -> None:
    """Every process of the program is dead when it returns."""
    family.grow()
    family.grow()
    assert hands(family).sweep("webui", 0) == 2
    assert family.members("", 0) == set()


def test_what_was_started_since_is_spared(family: Family) -> None:
    """An operator's new start is not hit by the clearing up after the old life."""
    family.grow()
    time.sleep(3 * _TICK_S)
    ended_s = time.monotonic()
    young = family.grow()
    said = hands(family).clear("webui", 0, ended_s)
    assert said == "1 processes were left over and killed"
    assert {pid for pid, _ in family.members("", 0)} == {young.pid}
    assert hands(family).clear("webui", 0, ended_s) == "nothing was left over"
