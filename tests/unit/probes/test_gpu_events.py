"""Errors that a driver reports, heard by the real binding from a stand-in library."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from nvml_stand_in import environ_of

from podkeeper.model.gpu import Xid

if TYPE_CHECKING:
    from collections.abc import Callable

    from nvml_stand_in import StandIn

    Hear = Callable[..., list[list[Xid]]]

#: Run in a process of its own: the library is found by name when the process starts.
HEAR = """
import json, msgspec, pathlib, sys
from podkeeper.probes import gpu_events, nvml
clock = [0.0]
slept = []
door = nvml.Nvml(60.0, clock=lambda: clock[0])
events = gpu_events.GpuEvents(door, 0.02, 3, clock=lambda: clock[0], sleep=slept.append)
for moment in json.loads(sys.argv[1]):
    clock[0] = moment.get("at", 0.0)
    pathlib.Path(sys.argv[2], "says").write_text(moment["says"])
    with pathlib.Path(sys.argv[2], "xids").open("a") as file:
        file.writelines(f"{gpu} {code}\\n" for gpu, code in moment.get("reports", []))
    print(msgspec.json.encode(events.look()).decode())
print(json.dumps(slept))
"""


def run(stand_in: StandIn, *moments: dict[str, Any]) -> tuple[list[list[Xid]], list[float]]:
    """Return what was heard of by each of several moments, and the times slept in between."""
    command = [sys.executable, "-c", HEAR, json.dumps(moments), str(stand_in.folder)]
    done = subprocess.run(
        command, env=environ_of(stand_in), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    *lines, slept = done.stdout.splitlines()
    return [msgspec.json.decode(each, type=list[Xid]) for each in lines], json.loads(slept)


@pytest.fixture
def hear(nvml: StandIn) -> Hear:
    """Return what listens at each of several moments, each with what NVML says then."""
    return lambda *moments: run(nvml, *moments)[0]


def codes(heard: list[Xid]) -> list[tuple[int | None, int]]:
    """Return GPU and code of each."""
    return [(each.gpu, each.code) for each in heard]


def test_errors_are_heard_of_once_and_in_order(hear: Hear) -> None:
    """Each error has a number of its own, its GPU and when it was heard of."""
    first, second, third = hear(
        {"says": "count=2", "at": 1.0},
        {"says": "count=2", "at": 2.0, "reports": [[1, 79], [0, 31]]},
        {"says": "count=2", "at": 3.0, "reports": [[0, 43]]},
    )
    assert first == []
    assert codes(second) == [(1, 79), (0, 31)]
    assert [each.at_monotonic_s for each in third] == [2.0, 2.0, 3.0]
    assert [each.sequence for each in third] == [1, 2, 3]


def test_what_was_before_is_not_heard_of(hear: Hear) -> None:
    """An error of before anybody listened is none of this worker's."""
    first, second = hear(
        {"says": "count=1", "reports": [[0, 79]]}, {"says": "count=1", "reports": [[0, 31]]}
    )
    assert first == []
    assert codes(second) == [(0, 31)]


def test_only_the_newest_are_kept(hear: Hear) -> None:
    """The list is bounded; the numbers tell that some are gone."""
    burst = [[0, code] for code in (13, 31, 43, 45, 48)]
    *_, last = hear({"says": "count=1"}, {"says": "count=1", "reports": burst}, {"says": "count=1"})
    assert [(each.sequence, each.code) for each in last] == [(3, 43), (4, 45), (5, 48)]


def test_a_lost_gpu_silences_no_other(hear: Hear) -> None:
    """Whoever cannot be listened to is left out."""
    says = "count=2 0.unsupported=nvmlDeviceRegisterEvents"
    _, heard = hear({"says": says}, {"says": says, "reports": [[0, 31], [1, 79]]})
    assert codes(heard) == [(1, 79)]


@pytest.mark.parametrize(
    "says",
    [
        "count=1 closed=1",
        "count=0",
        "count=1 unsupported=nvmlDeviceRegisterEvents",
        "count=1 missing=nvmlEventSetCreate",
    ],
)
def test_without_anybody_to_listen_to_time_passes_all_the_same(nvml: StandIn, says: str) -> None:
    """It is no busy loop, it is tried again after a pause, and errors are heard of from then on."""
    heard, slept = run(
        nvml,
        {"says": says, "at": 0.0},
        {"says": "count=1", "at": 59.0},
        {"says": "count=1", "at": 61.0},
        {"says": "count=1", "at": 62.0, "reports": [[0, 79]]},
    )
    assert [codes(each) for each in heard] == [[], [], [], [(0, 79)]]
    assert slept == [0.02, 0.02]


def test_a_driver_that_forgot_us_is_listened_to_anew(nvml: StandIn) -> None:
    """What was heard of before stays, and numbers go on."""
    heard, _ = run(
        nvml,
        {"says": "count=1", "at": 0.0},
        {"says": "count=1", "at": 1.0, "reports": [[0, 31]]},
        {"says": "count=1 forgot=1", "at": 2.0},
        {"says": "count=1", "at": 63.0},
        {"says": "count=1", "at": 64.0, "reports": [[0, 79]]},
    )
    assert [(each.sequence, each.code) for each in heard[-1]] == [(1, 31), (2, 79)]
    assert [len(each) for each in heard] == [0, 1, 1, 1, 2]
