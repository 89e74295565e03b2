"""The same probes with a real driver, and with memory that torch really takes.

Run by `make test-gpu`. torch comes from the interpreter that PODKEEPER_TEST_TORCH_PYTHON names, or
from this one; without it what needs an allocation is skipped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from gpu_contract import check

from podkeeper.doctor.gpus import gpus as doctor
from podkeeper.doctor.scene import Scene
from podkeeper.loops.gpu_rules import gpu_rules, vram_rules
from podkeeper.policy import gpu as policy
from podkeeper.policy import vram
from podkeeper.policy.gpu import GpuStanding, Seen
from podkeeper.probes.gpu_events import GpuEvents
from podkeeper.probes.gpus import Gpus
from podkeeper.probes.nvml import ABSENT, Nvml, library_found
from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from podkeeper.model.gpu import Gpu

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not library_found(), reason=f"there is no GPU to test with: {ABSENT}"),
]
SETTINGS = load(Source()).settings
TORCH = os.environ.get("PODKEEPER_TEST_TORCH_PYTHON") or sys.executable
ALLOCATED_BYTES = 1 << 30
DEADLINE_S = 90.0
#: Takes memory on the first GPU, says so, and holds it until it is killed.
ALLOCATE = f"""
import sys, torch
held = torch.ones({ALLOCATED_BYTES}, dtype=torch.uint8, device="cuda:0")
torch.cuda.synchronize()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def gpus() -> Gpus:
    """Return a reader of the machine's own GPUs."""
    return Gpus(Nvml(60.0), health_period_s=0.0)


@pytest.fixture(scope="module")
def has_torch() -> None:
    """Skip where torch cannot use the GPU."""
    command = [TORCH, "-c", "import torch; torch.zeros(1, device='cuda:0')"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        pytest.skip(f"torch of {TORCH} cannot use the GPU ({last})")


@pytest.fixture
def holder(has_torch: None) -> Iterator[subprocess.Popen[str]]:
    """Give a process that holds memory of the first GPU."""
    del has_torch
    command = [TORCH, "-c", ALLOCATE]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def read(gpus: Gpus) -> list[Gpu]:
    """Return the GPUs, of which there is at least one."""
    found = gpus.read()
    assert found
    return found


def used_bytes(gpus: Gpus) -> int:
    """Return memory in use on the first GPU."""
    used = read(gpus)[0].memory_used_bytes
    assert used is not None
    return used


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It was not in time.
    """
    until_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < until_s, f"waited in vain for {what}"
        time.sleep(0.05)


def test_every_gpu_keeps_the_contract(gpus: Gpus) -> None:
    """What holds for the stand-in's readings holds for the real ones."""
    for gpu in read(gpus):
        check(gpu)
        print(msgspec.json.encode(gpu).decode())  # noqa: T201 - what this card tells, for the record


def test_a_healthy_machine_has_no_findings(gpus: Gpus) -> None:
    """Nothing that is judged at once is wrong with GPUs that work."""
    standing, rules = GpuStanding(), gpu_rules(SETTINGS.gpu)
    for at in range(3):
        standing, found = policy.judge(standing, Seen(float(at), read(gpus)), rules)
        assert found == []


def test_errors_can_be_listened_to() -> None:
    """The driver takes us on as a listener, and reports nothing of itself."""
    slept: list[float] = []
    events = GpuEvents(Nvml(60.0), wait_s=0.05, keep=4, sleep=slept.append)
    assert [events.look() for _ in range(3)] == [[]] * 3
    assert slept == []


def test_the_doctor_sees_every_gpu(gpus: Gpus, tmp_path: Path) -> None:
    """Its checks name each, and change nothing that is read."""
    names = {each.name for each in doctor(Scene(SETTINGS, tmp_path))}
    assert {f"GPU {gpu.index}" for gpu in read(gpus)} <= names


def test_memory_that_is_taken_is_seen_and_comes_back(
    gpus: Gpus, holder: subprocess.Popen[str]
) -> None:
    """A killed process's memory is seen to come back before another may start."""
    rules, standing = vram_rules(SETTINGS.gpu), vram.Standing()

    def judged(*, occupied: bool) -> vram.Gate:
        nonlocal standing
        used = used_bytes(gpus)
        seen = vram.Seen(time.monotonic(), 0, used, occupied=occupied)
        standing, gate = vram.judge(standing, seen, rules)
        return gate

    assert used_bytes(gpus) > ALLOCATED_BYTES
    assert judged(occupied=True).may_start
    # A GPU that others use as well is never idle: what was there before is not known here.
    standing = vram.Standing(baseline_bytes=used_bytes(gpus) - ALLOCATED_BYTES, was_occupied=True)
    assert not judged(occupied=False).may_start
    holder.kill()
    wait_for(lambda: judged(occupied=False) == vram.Gate(may_start=True), "memory to come back")


def test_a_process_is_counted(gpus: Gpus, holder: subprocess.Popen[str]) -> None:
    """Whoever computes is one of those that the driver counts, where it counts at all."""
    assert holder.poll() is None
    count = read(gpus)[0].health.processes
    assert count is None or count >= 1
