"""What is worth waking the keeper for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from podkeeper.loops import news
from podkeeper.model.signal import SignalReading

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.model.snapshot import ProgramReading, Snapshot

    MakeProgram = Callable[..., ProgramReading]
    MakeSnapshot = Callable[..., Snapshot]


def signal(pressure: str, kind: str = "memory", pid: int = 0) -> SignalReading:
    """Return a signal of a pressure."""
    return SignalReading(kind=kind, subject="", pid=pid, headroom=1, capacity=2, pressure=pressure)


def test_the_first_snapshot_is_news(snapshot: MakeSnapshot) -> None:
    """Whatever is in it, nobody has seen it."""
    assert news.worth_a_hint(None, snapshot())


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ({"pid": 7, "ready": False}, {"pid": 7, "ready": True}, True),
        ({"pid": 7, "ready": True}, {"pid": 7, "ready": False}, True),
        ({"pid": 7, "ready": True}, {"pid": 7, "ready": None}, True),
        ({"pid": 7, "ready": True}, {"pid": 8, "ready": True}, True),
        ({"pid": 7, "ready": True}, {"pid": 7, "ready": True}, False),
        ({"pid": 7, "memory_bytes": 1}, {"pid": 7, "memory_bytes": 2}, False),
    ],
)
def test_a_readiness_that_changed_is_news(
    program: MakeProgram,
    snapshot: MakeSnapshot,
    before: dict[str, Any],
    after: dict[str, Any],
    *,
    new: bool,
) -> None:
    """A handler may start, or no longer; readings that moved are none."""
    taken = [snapshot(program("webui", **known)) for known in (before, after)]
    assert news.worth_a_hint(*taken) is new


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ([], [signal("calm")], False),
        ([], [signal("hard")], True),
        ([signal("calm")], [signal("soft")], True),
        ([signal("soft")], [signal("hard")], True),
        ([signal("hard")], [signal("critical")], True),
        ([signal("hard")], [signal("hard")], False),
        ([signal("critical")], [signal("hard")], False),
        ([signal("hard")], [], False),
        ([signal("hard")], [signal("hard"), signal("soft", kind="disk")], True),
        ([signal("hard", pid=7)], [signal("hard", pid=8)], True),
    ],
)
def test_pressure_that_rose_is_news(
    snapshot: MakeSnapshot,
    before: list[SignalReading],
    after: list[SignalReading],
    *,
    new: bool,
) -> None:
    """It wants an answer; pressure that lasts or falls can wait for the next look."""
    taken = [snapshot(signals=signals) for signals in (before, after)]
    assert news.worth_a_hint(*taken) is new
