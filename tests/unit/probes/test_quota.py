"""The processor quota and what it does, the run queue, and waiting for memory and disks."""

from __future__ import annotations

import os

import pytest

from podkeeper.loops.sensors import Throttled
from podkeeper.model.snapshot import Stall
from podkeeper.probes import cpu, groups, psi
from podkeeper.probes.cpu import Throttling

PRESSURE = (
    "some avg10={some} avg60=9.00 avg300=1.00 total=1\n"
    "full avg10={full} avg60=9.00 avg300=9.00 total=1\n"
)


@pytest.mark.parametrize(("name", "quota"), [("v1", (1.5, "pod/a")), ("v2", (1.0, "pod"))])
def test_a_quota_knows_its_group(name, quota, request):
    """The smallest quota comes with the group that has it."""
    cores, folder = cpu.quota(request.getfixturevalue(name))
    assert cores == quota[0]
    assert folder.partition("/cgroup/")[2].removeprefix("cpu/") == quota[1]


def test_without_a_group_there_is_no_quota(bare):
    """Neither a machine without groups nor a group without files has one."""
    assert cpu.quota(bare) is None
    assert cpu.quota(bare, groups.Place(2, f"{bare}/x/y", f"{bare}/x")) is None


def test_throttling_is_that_of_the_group_with_the_quota(tree):
    """Periods and standing still are counted where the quota is, v1 in ns and v2 in µs."""
    root = tree(
        {
            "one/cpu.stat": "nr_periods 100\nnr_throttled 25\nthrottled_time 1500000000\n",
            "two/cpu.stat": "usage_usec 9\nnr_periods 4\nnr_throttled 1\nthrottled_usec 250000\n",
        }
    )
    assert cpu.throttling(cpu.Quota(1.0, f"{root}/one")) == Throttling(100, 25, 1.5)
    assert cpu.throttling(cpu.Quota(1.0, f"{root}/two")) == Throttling(4, 1, 0.25)
    assert cpu.throttling(cpu.Quota(1.0, f"{root}/none")) == Throttling()
    assert cpu.throttling(None) == Throttling()


@pytest.mark.parametrize(
    ("name", "used_s", "throttled"),
    [("v1", 2.5, Throttling(100, 25, 1.5)), ("v2", 1.5, Throttling(40, 10, 0.25))],
)
def test_times_are_both_readings(name, used_s, throttled, request):
    """Time used comes from our own group, throttling from the one that has the quota."""
    root = request.getfixturevalue(name)
    assert cpu.times(groups.find("cpuacct", root), cpu.quota(root)) == (used_s, throttled)


def test_a_file_with_both_is_read_once(v2, opened):
    """Where our own group of v2 has the quota, its cpu.stat is read a single time."""
    own = v2 / "sys/fs/cgroup/pod/a"
    (own / "cpu.max").write_text("50000 100000\n")
    (own / "cpu.stat").write_text("usage_usec 2000000\nnr_periods 8\nnr_throttled 2\n")
    place = groups.find("cpuacct", v2)
    opened.clear()
    found = cpu.times(place, cpu.Quota(0.5, str(own)))
    assert found == (2.0, Throttling(8, 2, None))
    assert opened == [f"{own}/cpu.stat"]


def test_the_share_of_cut_periods_is_that_since_the_last_look():
    """The first look has no share, nor has one without a new period or with a group made anew."""
    throttled = Throttled()
    assert throttled.ratio(Throttling(100, 50)) is None
    assert throttled.ratio(Throttling(110, 55)) == 0.5
    assert throttled.ratio(Throttling(110, 55)) is None
    assert throttled.ratio(Throttling(120, 55)) == 0.0
    assert throttled.ratio(Throttling()) is None
    assert throttled.ratio(Throttling(130, 60)) is None
    assert throttled.ratio(Throttling(1, 0)) is None


@pytest.mark.parametrize(
    ("content", "count"),
    [("0.22 0.14 0.06 3/91 7945\n", 3), ("0.22 0.14\n", None), ("a b c d/e 1\n", None)],
)
def test_the_run_queue_is_who_wants_to_run(tree, content, count):
    """The number before the slash counts; a line of another form is unknown."""
    assert cpu.runnable(tree({"proc/loadavg": content})) == count


def test_this_machine_runs_us():
    """While this test runs, at least one thread does, on at least one core."""
    assert cpu.runnable() >= 1
    assert cpu.machine_cores() == os.cpu_count()


@pytest.fixture
def unified(tree):
    """Return a root and our group in it, both with pressure of their own."""
    root = tree(
        {
            "proc/pressure/memory": PRESSURE.format(some="10.00", full="2.50"),
            "proc/pressure/io": PRESSURE.format(some="20.00", full="4.00"),
            "cg/memory.pressure": PRESSURE.format(some="50.00", full="25.00"),
            "cg/io.pressure": PRESSURE.format(some="60.00", full="0.00"),
            "cg/cpu.pressure": "some avg10=75.00 avg60=9.00 avg300=1.00 total=1\n",
        }
    )
    return root, groups.Place(2, f"{root}/cg", f"{root}/cg")


def test_our_own_group_tells_how_we_wait(unified):
    """Where cgroup v2 keeps pressure, ours counts, not the machine's."""
    root, place = unified
    assert psi.memory(root, place) == Stall(some_ratio=0.5, full_ratio=0.25)
    assert psi.io(root, place) == Stall(some_ratio=0.6, full_ratio=0.0)
    assert psi.cpu_of_group(place) == Stall(some_ratio=0.75, full_ratio=None)


def test_the_machine_tells_where_no_group_does(unified):
    """Without a group, or one without pressure, memory and disk I/O are the machine's."""
    root, _ = unified
    assert psi.memory(root) == Stall(some_ratio=0.1, full_ratio=0.025)
    silent = groups.Place(2, f"{root}/nothing", f"{root}/nothing")
    assert psi.io(root, silent) == Stall(some_ratio=0.2, full_ratio=0.04)
    assert psi.cpu_of_group(silent) is None


def test_no_pressure_information_is_unknown(tmp_path):
    """A kernel without PSI gives no number."""
    assert psi.memory(tmp_path) is None
    assert psi.io(tmp_path) is None
    assert psi.cpu_of_group(None) is None
