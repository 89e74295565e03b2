"""GPUs, read by the real binding from a stand-in library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from podkeeper.probes import nvml

SOURCE = Path(__file__).with_name("nvml_stand_in.c")
#: Run in a process of its own: the library is found by name when the process starts.
READ = """
import json, sys
from podkeeper.probes import nvml
clock = [0.0]
door = nvml.Nvml(60.0, clock=lambda: clock[0])
for at in json.loads(sys.argv[1]):
    clock[0] = at.get("at", 0.0)
    open(sys.argv[2], "w").write(at["says"])
    gpus = door.gpus()
    from msgspec import to_builtins
    print(json.dumps(to_builtins(gpus)))
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """Return the folder of a stand-in for NVML, built here."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("nvml")
    target = folder / nvml.LIBRARY
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", target, SOURCE], check=True
    )
    return folder


@pytest.fixture
def read(library, tmp_path):
    """Return what reads the GPUs at each of several moments, each with what NVML says then."""

    def run(*moments):
        says = tmp_path / "says"
        environ = {
            **os.environ,
            "LD_LIBRARY_PATH": str(library),
            "NVML_STAND_IN": str(says),
        }
        command = [sys.executable, "-c", READ, json.dumps(moments), str(says)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_a_gpu_is_read_in_base_units(read):
    """Bytes, a ratio, degrees and watts come from what NVML counts in percent and milliwatts."""
    [[gpu]] = read({"says": "count=1 total=1000 reserved=40 used=360 util=75 temp=61 power=123456"})
    assert gpu == {
        "index": 0,
        "name": "Stand-in GPU 0",
        "memory_capacity_bytes": 960,
        "memory_used_bytes": 360,
        "utilization_ratio": 0.75,
        "temperature_celsius": 61,
        "power_watts": 123.456,
        "error": None,
    }


def test_all_gpus_are_read(read):
    """Each GPU is a reading; a driver that sees none gives none."""
    three, none = read({"says": "count=3"}, {"says": "count=0"})
    assert [gpu["index"] for gpu in three] == [0, 1, 2]
    assert none == []


def test_what_a_gpu_does_not_support_is_unknown(read):
    """A value that NVML refuses is None beside those that it gives, and the refusal is told."""
    [[gpu]] = read({"says": "count=1 total=10 used=3 unsupported=1"})
    assert (gpu["utilization_ratio"], gpu["memory_used_bytes"]) == (None, 3)
    assert gpu["error"] == "Not Supported"


def test_a_lost_gpu_is_unknown_and_comes_back(read):
    """A GPU that fell off its bus has no values, and has them again when it is back."""
    before, lost, after = read(
        {"says": "count=1 used=3"}, {"says": "count=1 lost=1"}, {"says": "count=1 used=4"}
    )
    assert (before[0]["memory_used_bytes"], after[0]["memory_used_bytes"]) == (3, 4)
    assert (lost[0]["memory_used_bytes"], lost[0]["error"]) == (None, "GPU is lost")


def test_an_old_driver_is_asked_the_old_way(read):
    """Where a driver refuses the newer calls the older ones are used, and nothing is wrong."""
    [[gpu]] = read({"says": "count=1 total=10 used=3 reserved=0 temp=50 old=1"})
    assert (gpu["temperature_celsius"], gpu["error"]) == (50, None)
    assert (gpu["memory_capacity_bytes"], gpu["memory_used_bytes"]) == (10, 3)


def test_a_driver_that_does_not_open_is_tried_again(read):
    """A driver that is not loaded is unknown, and is tried again after a pause only."""
    assert read(
        {"says": "count=1 closed=1", "at": 0.0},
        {"says": "count=0", "at": 59.0},
        {"says": "count=0", "at": 61.0},
    ) == [None, None, []]


def test_a_driver_that_goes_away_is_opened_anew(read):
    """A driver that forgot us is closed and opened after a pause."""
    assert read(
        {"says": "count=0", "at": 0.0},
        {"says": "count=0 forgot=1", "at": 1.0},
        {"says": "count=0", "at": 2.0},
        {"says": "count=0", "at": 62.0},
    ) == [[], None, None, []]


def test_a_machine_without_nvml_has_no_gpus():
    """Without the library there is nothing to read, and the binding is not even loaded."""
    if nvml.library_found():
        pytest.skip("this machine has an NVML")
    code = (
        "import sys; from podkeeper.probes import nvml; "
        "print(nvml.Nvml(60.0).gpus(), 'pynvml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "False"]
