"""What the doctor says of memory, processors, disks and open files, from the kernel's own files."""

from __future__ import annotations

import dataclasses
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from podkeeper.doctor import memory, processor, room
from podkeeper.doctor.scene import Scene
from podkeeper.model.snapshot import Disk
from podkeeper.probes import cpu

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from podkeeper.doctor.check import Check
    from podkeeper.settings.plan import Plan

    MakeScene = Callable[..., Scene]

GIB = 1 << 30
PAGES = "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nSwapTotal: {swap} kB\nSwapFree: 0 kB\n"
CGROUP = {
    "proc/self/cgroup": "0::/\n",
    "proc/self/mountinfo": "30 23 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
}
STAT = "{pid} (a) S 1 {pid} 1 0 -1 0 0 0 0 0 5 6 0 0 20 0 1 0 99 0 1 0\n"


@pytest.fixture
def scene(tmp_path: Path, plan_of: Callable[..., Plan]) -> MakeScene:
    """Return what makes a worker on a machine that shows these files."""
    root = tmp_path / "root"

    def make(files: dict[str, str], *assignments: str, runs: bool = False, **rest: Any) -> Scene:
        for name, content in {"proc/meminfo": PAGES.format(swap=0), **files}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        plan = msgspec.structs.replace(plan_of(*assignments), memory_capacity_bytes=16 * GIB)
        pids = {"webui": 7} if runs else {}
        return Scene(plan.settings, tmp_path, plan, pids, root=root, **rest)

    return make


def one(found: Iterator[Check]) -> Check:
    """Return the only check."""
    (check,) = found
    return check


def test_the_binding_memory_limit_is_named_with_the_others(scene: MakeScene) -> None:
    """The smallest counts; of each other one it is said why it does not."""
    files = {**CGROUP, "sys/fs/cgroup/memory.max": f"{6 * GIB}"}
    found = one(memory.limit(scene(files, environ={"RUNPOD_MEM_GB": "31"})))
    assert found.seen.startswith("6GiB: the cgroup ")
    assert "(RUNPOD_MEM_GB: 28.87GiB; the machine has 16GiB)" in found.seen
    promised = one(memory.limit(scene(files, environ={"RUNPOD_MEM_GB": "2"})))
    assert promised.seen.startswith("1.863GiB: RUNPOD_MEM_GB: 1.863GiB (the cgroup ")
    assert promised.level == "warning"
    assert "the worker was planned for 16GiB" in promised.seen


def test_the_machine_may_be_the_limit(scene: MakeScene) -> None:
    """That no cgroup can be seen, and that nothing was promised, is said."""
    found = one(memory.limit(scene({})))
    assert (found.level, found.seen) == (
        "ok",
        "16GiB: the machine has 16GiB (no cgroup can be seen; RUNPOD_MEM_GB is not set)",
    )


def test_a_promise_that_is_no_number_is_told(scene: MakeScene) -> None:
    """It is passed over, which nobody should have to guess."""
    found = one(memory.limit(scene({}, environ={"RUNPOD_MEM_GB": "a lot"})))
    assert found.level == "warning"
    assert "RUNPOD_MEM_GB = 'a lot' is no number" in found.seen


def test_without_any_limit_nothing_can_be_planned(scene: MakeScene) -> None:
    """It is the one failure here."""
    found = one(memory.limit(scene({"proc/meminfo": ""})))
    assert found.level == "failed"
    assert "RUNPOD_MEM_GB" in found.mend


@pytest.mark.parametrize(
    ("files", "level", "seen"),
    [
        ({}, "warning", "none can be seen"),
        ({**CGROUP, "sys/fs/cgroup/x": ""}, "warning", "cannot be read"),
        (
            {**CGROUP, "sys/fs/cgroup/memory.events": "max 3\noom_kill 2\n"},
            "ok",
            "limit met 3 times, 2 kills by the kernel",
        ),
    ],
)
def test_the_cgroup_is_seen_or_not(
    scene: MakeScene, files: dict[str, str], level: str, seen: str
) -> None:
    """One that is hidden, or there and unreadable, is worth mending; else its events are told."""
    found = one(memory.group(scene(files)))
    assert (found.level, seen in found.seen) == (level, True)


def test_a_kernel_without_pressure_is_no_fault(scene: MakeScene) -> None:
    """It is said, with how to have it; where there is some, whose it is."""
    without = one(memory.waiting(scene({})))
    assert (without.level, "psi=1" in without.mend) == ("ok", True)
    line = "some avg10=12.00 avg60=9.00 avg300=1.00 total=1\n"
    assert one(memory.waiting(scene({"proc/pressure/memory": line}))).seen == (
        "of the whole machine: 12% of the last 10 s for memory"
    )
    own = {**CGROUP, "sys/fs/cgroup/cpu.pressure": line, "sys/fs/cgroup/memory.pressure": line}
    assert one(memory.waiting(scene(own))).seen.startswith("of our own cgroup: 12%")


def test_swap_matters_once_a_program_is_in_it(scene: MakeScene) -> None:
    """Off is well, on and unused too; a program that is swapped out is told."""
    assert one(memory.swap(scene({}))).seen == "off"
    on = {"proc/meminfo": PAGES.format(swap=1 << 20), "proc/7/stat": STAT.format(pid=7)}
    status = "Name:\tx\nRssAnon:\t 100 kB\nVmSwap:\t {} kB\n"
    unused = one(memory.swap(scene({**on, "proc/7/status": status.format(0)}, runs=True)))
    assert (unused.level, unused.seen) == ("ok", "1GiB, of which this worker's programs hold 0B")
    used = one(memory.swap(scene({**on, "proc/7/status": status.format(2048)}, runs=True)))
    assert (used.level, used.seen) == ("warning", "1GiB, of which this worker's programs hold 2MiB")


def test_shared_memory_is_there_or_not(scene: MakeScene) -> None:
    """Here it is; where it is not, torch would fail."""
    assert one(memory.shared(scene({}))).level == "warning"
    here = dataclasses.replace(scene({}), root=Path("/"))
    assert "free" in one(memory.shared(here)).seen


QUOTA = {**CGROUP, "sys/fs/cgroup/cpu.max": "50000 100000\n"}


def test_a_quota_is_told_with_what_it_has_done(scene: MakeScene) -> None:
    """Its cores, its group, and the share of periods that were cut short."""
    assert one(processor.quota(scene({}))).seen == f"{cpu.affinity_cores()}, no quota"
    counted = {**QUOTA, "sys/fs/cgroup/cpu.stat": "nr_periods 40\nnr_throttled 10\n"}
    found = one(processor.quota(scene(counted)))
    assert found.seen.startswith("a quota of 0.5 (")
    assert found.seen.endswith("25% of its periods were cut short so far")


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ("PATH=/bin\0", "warning"),
        ("OMP_NUM_THREADS=8\0MKL_NUM_THREADS=1\0", "warning"),
        ("OMP_NUM_THREADS=1\0", "ok"),
    ],
)
def test_threads_beyond_the_quota_are_told(scene: MakeScene, environ: str, level: str) -> None:
    """A WebUI that was not told, or told too many, will be throttled."""
    found = one(processor.threads(scene({**QUOTA, "proc/7/environ": environ}, runs=True)))
    assert (found.name, found.level) == ("threads of webui", level)


def test_without_a_quota_libraries_may_count_for_themselves(scene: MakeScene) -> None:
    """Then nothing has to be told, and nothing is wrong."""
    found = one(processor.threads(scene({"proc/7/environ": "PATH=/bin\0"}, runs=True)))
    assert (found.level, found.seen) == ("ok", "not told")


@pytest.mark.parametrize(
    ("available_bytes", "available_inodes", "level"),
    [
        (50, 50, "ok"),
        (9, 50, "warning"),
        (50, 9, "warning"),
        (50, 1, "failed"),
        (2, None, "failed"),
    ],
)
def test_little_room_is_told(
    plan_of: Callable[..., Plan], available_bytes: int, available_inodes: int, level: str
) -> None:
    """The lines are those that the worker is judged by; both bytes and inodes are shown."""
    words = ("thresholds.disk_soft=10%", "thresholds.disk_hard=3%", "thresholds.inodes_soft=10%")
    disk = Disk(
        path="/data",
        capacity_bytes=100,
        available_bytes=available_bytes,
        capacity_inodes=100 if available_inodes is not None else None,
        available_inodes=available_inodes,
    )
    found = room._room(disk, plan_of(*words).settings.thresholds)
    assert (found.name, found.level) == ("room on /data", level)
    assert found.seen.startswith(f"{available_bytes}B of 100B free")
    assert ("inodes" in found.seen) is (available_inodes is not None)


def test_a_disk_that_does_not_tell_is_doubtful(plan_of: Callable[..., Plan]) -> None:
    """A network volume that is stale, for one."""
    silent = Disk(
        path="/data",
        capacity_bytes=None,
        available_bytes=None,
        capacity_inodes=None,
        available_inodes=None,
    )
    found = room._room(silent, plan_of().settings.thresholds)
    assert (found.level, found.seen) == ("warning", "it does not tell")


def test_what_cleaning_may_remove_is_told_and_stays(scene: MakeScene, tmp_path: Path) -> None:
    """Entries and bytes of each kind, what is in use, and nothing is touched."""
    place = tmp_path / "outputs"
    place.mkdir()
    for name in ("old", "open"):
        (place / name).write_bytes(b"x" * 4096)
        os.utime(place / name, (0, 0))
    words = ("disk.order=outputs,models", f"disk.outputs={place}", f"disk.models={place}/missing")
    with (place / "open").open("rb"):
        outputs, models = room.cleanings(scene({}, *words))
    assert outputs.seen == f"1 entries of 4KiB may go now, 1 are in use; below {place}"
    assert models.seen == f"none of {place}/missing is there"
    assert {path.name for path in place.iterdir()} == {"old", "open"}


def test_where_nothing_may_be_removed_that_is_said(scene: MakeScene) -> None:
    """As where podkeeper is only tried."""
    assert one(room.cleanings(scene({}))).seen == "nothing may be removed"


def test_a_folder_that_cannot_be_cleaned_is_told(scene: MakeScene, tmp_path: Path) -> None:
    """A file in its place, or a folder of somebody else."""
    (tmp_path / "file").write_text("")
    words = ("disk.order=outputs", f"disk.outputs={tmp_path}/file")
    found = one(room.cleanings(scene({}, *words)))
    assert (found.level, "Not a directory" in found.seen) == ("warning", True)


def test_open_files_are_told_of_the_machine_and_of_each_program(scene: MakeScene) -> None:
    """The hard limit must allow what is wanted; a program near its own limit is told."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert one(room.open_files(scene({}))).level == "ok"
    assert one(room.open_files(scene({}, f"worker.open_files={hard + 1}"))).level == "failed"
    limits = "Max open files            {}                 4096                 files\n"
    files = {"proc/7/stat": STAT.format(pid=7), "proc/7/fd/0": "", "proc/7/fd/1": ""}
    for limit, level in ((2, "warning"), (1_000_000, "ok")):
        made = scene({**files, "proc/7/limits": limits.format(limit)}, runs=True)
        _, program = room.open_files(made)
        assert (program.name, program.level) == ("open files of webui", level)
