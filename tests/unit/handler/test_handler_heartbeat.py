"""A heartbeat that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from handler.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _until(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    end_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)


def _beat() -> None:
    while True:
        signal.pause()


def _pids() -> list[int | None]:
    return [each.pid for each in multiprocessing.active_children()]


@pytest.fixture
def first() -> Iterator[multiprocessing.Process]:
    """Give what the SDK starts, and end whatever has become of it."""
    process = multiprocessing.Process(target=_beat, daemon=True)
    process.start()
    handled = signal.getsignal(signal.SIGCHLD)
    yield process
    signal.signal(signal.SIGCHLD, handled)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def test_a_killed_heartbeat_is_replaced_and_leaves_no_zombie(
    first: multiprocessing.Process,
) -> None:
    """Another one runs at once, and ends on SIGTERM although this process does not."""
    heartbeat = Heartbeat(lambda: True, _beat, shortest_s=0)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    heartbeat.attach()
    try:
        os.kill(first.pid or 0, signal.SIGKILL)
        _until(lambda: _pids() and _pids() != [first.pid])
        (second,) = _pids()
        heartbeat.detach()
        assert second is not None
        for child in multiprocessing.active_children():
            child.terminate()
            child.join(60)
        assert _pids() == []
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_the_sdk_has_not_started_yet_is_not_started_for_it(
    first: multiprocessing.Process,
) -> None:
    """A child of the start's checks that ends is no heartbeat."""
    heartbeat = Heartbeat(lambda: False, _beat, shortest_s=0)
    first.kill()
    first.join()
    heartbeat._on_end(0, None)
    assert _pids() == []


def test_a_heartbeat_that_cannot_live_makes_the_worker_leave(
    first: multiprocessing.Process,
) -> None:
    """It is not started for ever: the worker ends after its jobs and is started anew."""
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    now = [0.0]
    heartbeat = Heartbeat(lambda: True, _beat, shortest_s=10, clock=lambda: now[0])
    try:
        for at_s in (0.0, 5.0, 20.0, 25.0, 30.0, 35.0):
            now[0] = at_s
            for child in multiprocessing.active_children():
                child.kill()
                child.join()
            heartbeat._on_end(0, None)
        assert told == [signal.SIGTERM]
        assert _pids() == []
    finally:
        signal.signal(signal.SIGTERM, before)
    assert first.exitcode == -signal.SIGKILL
