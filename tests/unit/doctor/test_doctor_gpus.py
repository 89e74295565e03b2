"""What the doctor says of GPUs, read by the real binding from a stand-in library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from nvml_stand_in import HEALTHY, environ_of

from podkeeper.doctor import gpus
from podkeeper.doctor.scene import Scene
from podkeeper.probes import background
from podkeeper.probes import nvml as door

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nvml_stand_in import StandIn

    from podkeeper.settings.plan import Plan

    Look = Callable[[str], dict[str, dict[str, str]]]

#: Run in a process of its own: the library is found by name when the process starts.
LOOK = """
import json, msgspec, pathlib
from podkeeper.doctor import gpus
from podkeeper.doctor.scene import Scene
from podkeeper.settings.load import Source, load
scene = Scene(load(Source()).settings, pathlib.Path("/"))
print(msgspec.json.encode(list(gpus.gpus(scene))).decode())
"""


@pytest.fixture
def look(nvml: StandIn) -> Look:
    """Return what gives the checks by name while NVML says something."""

    def run(says: str) -> dict[str, dict[str, str]]:
        nvml.says(says)
        command = [sys.executable, "-c", LOOK]
        done = subprocess.run(
            command, env=environ_of(nvml), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return {each["name"]: each for each in json.loads(done.stdout)}

    return run


def test_a_healthy_gpu_is_well_in_each_respect(look: Look) -> None:
    """What is seen of each topic is told, and nothing is to be mended."""
    found = look(HEALTHY)
    assert {name: each["level"] for name, each in found.items()} == dict.fromkeys(
        ["NVML", "GPU 0", "heat of GPU 0", "clocks of GPU 0", "memory errors of GPU 0"], "ok"
    )
    assert "Stand-in GPU 0, 360" in found["GPU 0"]["seen"]
    assert found["heat of GPU 0"]["seen"] == "61 °C, 26 below where it slows itself down"
    assert found["clocks of GPU 0"]["seen"] == "held down by sw_power_cap"
    assert "2 put right by ECC, 0 not" in found["memory errors of GPU 0"]["seen"]


@pytest.mark.parametrize(
    ("says", "name", "level", "seen"),
    [
        ("lost=1", "GPU 0", "failed", "is lost"),
        ("action=1", "GPU 0", "failed", "gpu_reset"),
        ("denied=nvmlDeviceGetHandleByIndex_v2", "GPU 0", "warning", "Insufficient Permissions"),
        ("slowdown=87 temp=86", "heat of GPU 0", "warning", "1 from slowing itself down"),
        ("clocks=64", "heat of GPU 0", "warning", "hw_thermal_slowdown"),
        ("temp=50", "heat of GPU 0", "warning", "does not tell when it slows down, 90 is taken"),
        ("clocks=128", "clocks of GPU 0", "warning", "power brake"),
        ("ecc_uncorrected=3", "memory errors of GPU 0", "warning", "3 not"),
        ("remap_pending=1", "memory errors of GPU 0", "warning", "replaced at its next reset"),
        ("remap_failed=1", "memory errors of GPU 0", "failed", "could not be replaced"),
    ],
)
def test_what_is_wrong_is_told_with_reason_and_remedy(
    look: Look, says: str, name: str, level: str, seen: str
) -> None:
    """Each state has its line."""
    found = look(f"count=1 total=1000 used=3 {says}")[name]
    assert found["level"] == level
    assert seen in found["seen"]
    assert found["why"]
    assert found["mend"]


@pytest.mark.parametrize(
    ("says", "level", "seen"),
    [
        ("closed=1", "failed", "Driver Not Loaded"),
        ("forgot=1", "failed", "Uninitialized"),
        ("count=0", "warning", "lists no GPU"),
    ],
)
def test_a_driver_without_gpus_is_told(look: Look, says: str, level: str, seen: str) -> None:
    """Why nothing can be seen is the driver's own word."""
    (found,) = look(says).values()
    assert (found["name"], found["level"]) == ("NVML", level)
    assert seen in found["seen"]


@pytest.mark.skipif(door.library_found(), reason="this machine has an NVML")
def test_without_a_library_a_device_tells_a_container_from_a_machine(
    plan_of: Callable[..., Plan], tmp_path: Path
) -> None:
    """A machine without a GPU is well; a container with one but no library is not."""
    scene = Scene(plan_of().settings, tmp_path, root=tmp_path)
    (found,) = gpus.gpus(scene)
    assert (found.level, found.mend) == ("ok", "")
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidiactl").touch()
    (found,) = gpus.gpus(scene)
    assert found.level == "warning"
    assert "NVIDIA_DRIVER_CAPABILITIES" in found.mend


def test_what_hangs_is_not_waited_for() -> None:
    """A reading that does not come in time is None; one that fails says why."""
    reading, writing = os.pipe()
    assert background.within(lambda: os.read(reading, 1), 0.01) is None
    os.close(writing)
    assert background.within(lambda: 7, 60.0) == 7
    with pytest.raises(ZeroDivisionError):
        background.within(lambda: 1 // 0, 60.0)
