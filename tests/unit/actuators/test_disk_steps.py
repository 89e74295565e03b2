"""Steps beside the keeper: begun, collected, stopped, and lost."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from podkeeper.actuators.cleaned import Cleaned
    from podkeeper.actuators.disk import Cleaner

DEADLINE_S = 20.0


def collected(cleaner: Cleaner) -> Cleaned:
    """Return the outcome once there is one."""
    end_s = time.monotonic() + DEADLINE_S
    while time.monotonic() < end_s:
        found = cleaner.finished()
        if found is not None:
            return found
        time.sleep(0.002)
    raise AssertionError("the step did not end")


class Gate:
    """Names of loaded models that can be read once somebody lets them: a disk that holds."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.open = threading.Event()
        self._fault = fault

    def __iter__(self) -> Iterator[str]:
        """Wait, then yield nothing."""
        self.open.wait(DEADLINE_S)
        if self._fault is not None:
            raise self._fault
        return iter(())


def test_a_step_is_begun_and_collected_once(disk) -> None:
    """What came of it is given one time, and then there is nothing until the next."""
    disk.file("old")
    cleaner = disk.cleaner()
    assert cleaner.finished() is None
    assert cleaner.begin(disk.task())
    assert collected(cleaner).freed_inodes == 1
    assert cleaner.finished() is None
    assert cleaner.begin(disk.task())
    assert collected(cleaner).removed == ()


def test_one_step_at_a_time(disk) -> None:
    """While one is on its way, or waits to be collected, no other is begun."""
    gate, cleaner = Gate(), disk.cleaner()
    assert cleaner.begin(disk.task(loaded=gate))
    assert not cleaner.begin(disk.task())
    assert cleaner.finished() is None
    gate.open.set()
    collected(cleaner)
    assert cleaner.begin(disk.task())
    collected(cleaner)


def test_a_step_can_be_stopped(disk) -> None:
    """It ends at its next entry and says so; the next step is not stopped."""
    disk.file("old")
    gate, cleaner = Gate(), disk.cleaner()
    cleaner.begin(disk.task(loaded=gate))
    cleaner.stop()
    gate.open.set()
    cleaned = collected(cleaner)
    assert (cleaned.removed, cleaned.ended) == ((), "told to stop")
    cleaner.begin(disk.task())
    assert collected(cleaner).freed_inodes == 1


def test_a_step_that_is_held_is_told_once(disk) -> None:
    """It cannot be ended; no other is begun, and what came of it is still given in the end."""
    gate, cleaner = Gate(), disk.cleaner(step_s=0.01)
    cleaner.begin(disk.task(loaded=gate))
    assert collected(cleaner).ended == "held by the file system"
    assert cleaner.finished() is None
    assert not cleaner.begin(disk.task())
    gate.open.set()
    assert collected(cleaner).ended == "out of time"


def test_a_fault_of_our_own_is_an_outcome(disk, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is raised into the keeper, and the fault is in the log."""
    gate, cleaner = Gate(ValueError("broken")), disk.cleaner()
    gate.open.set()
    cleaner.begin(disk.task(loaded=gate))
    assert collected(cleaner).ended == "cannot clean: ValueError('broken')"
    assert "Cleaning ended by a fault of its own" in caplog.text
