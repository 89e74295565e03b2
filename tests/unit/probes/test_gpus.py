"""GPUs, read by the real binding from a stand-in library."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from gpu_contract import check
from nvml_stand_in import HEALTHY, StandIn, built, environ_of

from podkeeper.model.gpu import Gpu, GpuHealth
from podkeeper.probes import nvml as door

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[..., list[list[Gpu] | None]]

#: Run in a process of its own: the library is found by name when the process starts.
READ = """
import json, msgspec, pathlib, sys
from podkeeper.probes import gpus, nvml
clock = [0.0]
door = nvml.Nvml(60.0, clock=lambda: clock[0])
reader = gpus.Gpus(door, 10.0, clock=lambda: clock[0])
for moment in json.loads(sys.argv[1]):
    clock[0] = moment.get("at", 0.0)
    pathlib.Path(sys.argv[2]).write_text(moment["says"])
    print(msgspec.json.encode(reader.read()).decode())
print(json.dumps(door.obstacle), file=sys.stderr)
"""


def run(stand_in: StandIn, *moments: dict[str, object]) -> tuple[list[list[Gpu] | None], str]:
    """Return the GPUs at each of several moments, and what stood in the way at the end."""
    command = [sys.executable, "-c", READ, json.dumps(moments), str(stand_in.folder / "says")]
    done = subprocess.run(
        command, env=environ_of(stand_in), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return [msgspec.json.decode(each, type=list[Gpu] | None) for each in lines], done.stderr


@pytest.fixture
def read(nvml: StandIn) -> Read:
    """Return what reads the GPUs at each of several moments, each with what NVML says then."""
    return lambda *moments: run(nvml, *moments)[0]


@pytest.fixture
def driver_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], StandIn]:
    """Return what makes a driver of another age, whose library really lacks some symbols."""

    def make(age: str) -> StandIn:
        library = built(tmp_path_factory.mktemp("nvml"), age)
        if library is None:
            pytest.skip("there is no C compiler")
        return StandIn(tmp_path_factory.mktemp("driver"), library)

    return make


def one(found: list[Gpu] | None) -> Gpu:
    """Return the only GPU."""
    assert found is not None
    (gpu,) = found
    return gpu


def test_a_gpu_is_read_in_base_units(read: Read) -> None:
    """Bytes, ratios, degrees and watts come from what NVML counts in percent and milliwatts."""
    found = one(*read({"says": HEALTHY}))
    check(found)
    assert found == Gpu(
        index=0,
        name="Stand-in GPU 0",
        uuid="GPU-00000000-0000-0000-0000-000000000000",
        lost=False,
        memory_capacity_bytes=960,
        memory_used_bytes=360,
        memory_reserved_bytes=40,
        utilization_ratio=0.75,
        memory_utilization_ratio=0.2,
        temperature_celsius=61,
        slowdown_celsius=87,
        shutdown_celsius=92,
        slowdown_margin_celsius=26,
        clock_limits=("sw_power_cap",),
        power_watts=123.456,
        power_limit_watts=350.0,
        recovery_action="none",
        health=GpuHealth(
            ecc_corrected=2,
            ecc_uncorrected=0,
            remapped_rows_corrected=1,
            remapped_rows_uncorrected=0,
            remap_pending=False,
            remap_failed=False,
            pcie_generation=4,
            pcie_width=16,
            pcie_replays=3,
            processes=2,
        ),
    )


def test_all_gpus_are_read(read: Read) -> None:
    """Each GPU is a reading of its own; a driver that sees none gives none."""
    two, none = read({"says": "count=2 total=9 used=3 1.used=5"}, {"says": "count=0"})
    assert two is not None
    assert [(each.index, each.memory_used_bytes) for each in two] == [(0, 3), (1, 5)]
    assert len({each.uuid for each in two}) == 2
    assert none == []


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0, ()),
        (0x1, ("gpu_idle",)),
        (0x68, ("hw_slowdown", "sw_thermal_slowdown", "hw_thermal_slowdown")),
        (0x1080, ("hw_power_brake_slowdown", "0x1000")),
    ],
)
def test_what_holds_clocks_down_is_in_words(read: Read, bits: int, words: tuple[str, ...]) -> None:
    """Each bit is a word of nvidia-smi's; one of a later driver is its number."""
    assert one(*read({"says": f"count=1 clocks={bits}"})).clock_limits == words


@pytest.mark.parametrize(
    ("says", "action"),
    [("action=1", "gpu_reset"), ("action=2", "node_reboot"), ("action=99", "action 99")],
)
def test_what_a_gpu_needs_to_recover_is_in_words(read: Read, says: str, action: str) -> None:
    """The driver's number is a word; one of a later driver is told as it is."""
    assert one(*read({"says": f"count=1 {says}"})).recovery_action == action


def test_a_gpu_that_must_be_reset_says_so_by_refusing(read: Read) -> None:
    """Drivers without the newer reading say it in place of every other."""
    found = one(*read({"says": "count=1 reset_required=1"}))
    assert (found.recovery_action, found.lost) == ("gpu_reset", False)
    assert found.error is not None


def test_what_a_gpu_does_not_support_is_unknown(read: Read) -> None:
    """A value that every GPU has and NVML refuses is None, and the refusal is told."""
    says = "count=1 total=10 used=3 unsupported=nvmlDeviceGetUtilizationRates"
    found = one(*read({"says": says}))
    assert (found.utilization_ratio, found.memory_used_bytes) == (None, 3)
    assert found.error == "Not Supported"


def test_what_only_some_gpus_have_is_no_error(read: Read) -> None:
    """A GPU without ECC, thresholds and the like has nothing wrong with it."""
    lacking = (
        "nvmlDeviceGetTotalEccErrors,nvmlDeviceGetRemappedRows,nvmlDeviceGetFieldValues,"
        "nvmlDeviceGetTemperatureThreshold,nvmlDeviceGetEnforcedPowerLimit"
    )
    found = one(*read({"says": f"count=1 total=9 temp=50 unsupported={lacking}"}))
    check(found)
    assert found.slowdown_celsius is None
    assert found.power_limit_watts is None
    assert found.recovery_action is None
    assert found.health.ecc_uncorrected is None
    assert found.health.remap_failed is None


def test_processes_are_counted_and_never_named(read: Read) -> None:
    """Of processes only the number is known: pids in a container mean nothing."""
    counts = [
        one(each).health.processes
        for each in read(
            {"says": "count=1 processes=0"},
            {"says": "count=1 processes=7", "at": 11.0},
            {"says": "count=1 denied=nvmlDeviceGetComputeRunningProcesses_v3", "at": 22.0},
        )
    ]
    assert counts == [0, 7, 0]


def test_what_seldom_changes_is_read_seldom(read: Read) -> None:
    """Errors of memory come with the next reading of health; the name is asked for once."""
    before, early, late = (
        one(each)
        for each in read(
            {"says": "count=1 uuid=5 ecc_uncorrected=1", "at": 0.0},
            {"says": "count=1 uuid=6 ecc_uncorrected=2", "at": 9.0},
            {"says": "count=1 uuid=7 ecc_uncorrected=2", "at": 11.0},
        )
    )
    assert [each.health.ecc_uncorrected for each in (before, early, late)] == [1, 1, 2]
    assert before.uuid == early.uuid == late.uuid


def test_a_lost_gpu_is_unknown_and_comes_back(read: Read) -> None:
    """One that fell off its bus has no values but its name, and has them again when it is back."""
    before, lost, after = (
        one(each)
        for each in read(
            {"says": "count=1 used=3 total=9 ecc_corrected=1"},
            {"says": "count=1 lost=1", "at": 1.0},
            {"says": "count=1 used=4 total=9 uuid=8 ecc_corrected=2", "at": 2.0},
        )
    )
    assert (lost.lost, lost.error, lost.memory_used_bytes) == (True, "GPU is lost", None)
    assert (lost.uuid, lost.health) == (before.uuid, GpuHealth())
    assert (after.lost, after.memory_used_bytes, after.health.ecc_corrected) == (False, 4, 2)
    assert after.uuid not in (None, before.uuid)


def test_a_gpu_that_is_lost_from_the_start_is_one_all_the_same(read: Read) -> None:
    """Nothing is known of it but that it is lost; the others are read."""
    found = read({"says": "count=2 used=3 total=9 0.lost=1"})[0]
    assert found is not None
    assert (found[0].lost, found[0].uuid) == (True, None)
    assert (found[1].lost, found[1].memory_used_bytes) == (False, 3)


def test_a_gpu_that_may_not_be_asked_is_not_lost(read: Read) -> None:
    """A refusal of the door itself says nothing of the GPU: unknown, with the reason."""
    found = one(*read({"says": "count=1 denied=nvmlDeviceGetHandleByIndex_v2"}))
    assert (found.lost, found.uuid, found.error) == (None, None, "Insufficient Permissions")


@pytest.mark.parametrize("age", ["OLD_DRIVER", "NEW_DRIVER"])
def test_a_driver_of_another_age_is_asked_its_own_way(
    driver_of: Callable[[str], StandIn], age: str
) -> None:
    """Where symbols are missing the others are used, and nothing is wrong."""
    found = one(run(driver_of(age), {"says": HEALTHY})[0][0])
    check(found)
    assert (found.temperature_celsius, found.clock_limits) == (61, ("sw_power_cap",))
    assert found.health.processes == 2


def test_an_old_driver_does_not_tell_all(driver_of: Callable[[str], StandIn]) -> None:
    """Before R510 what the driver keeps counts as used, and nobody tells margins or actions."""
    found = one(run(driver_of("OLD_DRIVER"), {"says": HEALTHY})[0][0])
    assert (found.memory_used_bytes, found.memory_reserved_bytes) == (400, None)
    assert (found.slowdown_margin_celsius, found.recovery_action) == (None, None)


def test_any_missing_function_is_survived(read: Read) -> None:
    """Whatever single function a driver lacks, the rest is read."""
    names = [
        "nvmlDeviceGetName", "nvmlDeviceGetUUID", "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetUtilizationRates", "nvmlDeviceGetTemperatureV",
        "nvmlDeviceGetMarginTemperature", "nvmlDeviceGetTemperatureThreshold",
        "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetPowerUsage",
        "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetFieldValues",
        "nvmlDeviceGetTotalEccErrors", "nvmlDeviceGetRemappedRows",
        "nvmlDeviceGetCurrPcieLinkWidth", "nvmlDeviceGetPcieReplayCounter",
        "nvmlDeviceGetComputeRunningProcesses_v3",
    ]  # fmt: skip
    moments = [
        {"says": f"{HEALTHY} missing={name}", "at": 11.0 * at} for at, name in enumerate(names)
    ]
    for found in read(*moments):
        gpu = one(found)
        assert gpu.lost is False
        unknown = [each for each in msgspec.structs.astuple(gpu) if each is None]
        assert len(unknown) <= 3  # there is no error, and one call may give two readings


def test_a_driver_that_does_not_open_is_tried_again(nvml: StandIn) -> None:
    """A driver that is not loaded is unknown, and is tried again after a pause only."""
    found, obstacle = run(
        nvml,
        {"says": "count=1 closed=1", "at": 0.0},
        {"says": "count=0", "at": 59.0},
        {"says": "count=0", "at": 61.0},
        {"says": "count=1 closed=1", "at": 62.0},
    )
    assert found[:3] == [None, None, []]
    assert obstacle == "null\n"


def test_why_a_driver_does_not_open_is_known(nvml: StandIn) -> None:
    """The driver's own words are kept."""
    assert run(nvml, {"says": "closed=1"}) == ([None], '"Driver Not Loaded"\n')


def test_a_driver_that_goes_away_is_opened_anew(read: Read) -> None:
    """A driver that forgot us is closed and opened after a pause; names are asked for anew."""
    before, gone, still_gone, after = read(
        {"says": "count=1 uuid=1", "at": 0.0},
        {"says": "count=1 forgot=1", "at": 1.0},
        {"says": "count=1 uuid=2", "at": 2.0},
        {"says": "count=1 uuid=2", "at": 62.0},
    )
    assert gone is still_gone is None
    assert one(before).uuid != one(after).uuid


def test_a_machine_without_nvml_has_no_gpus() -> None:
    """Without the library there is nothing to read, and the binding is not even loaded."""
    if door.library_found():
        pytest.skip("this machine has an NVML")
    code = (
        "import sys; from podkeeper.probes.nvml import Nvml; door = Nvml(60.0); "
        "print(door.open(), 'pynvml' in sys.modules, door.obstacle)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("None False no libnvidia-ml.so.1 here")
