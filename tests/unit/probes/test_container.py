"""Memory, processor, disk and network of the container as a whole."""

from __future__ import annotations

import os

import pytest

from podkeeper.model.snapshot import ContainerMemory, Network
from podkeeper.probes import bounds, cgroup, cpu, disk, files, groups, meminfo, network

GIB, MIB = 1 << 30, 1 << 20


def test_the_limit_of_our_own_group_binds(v1):
    """Under v1 the limit, what is used of it and what happened at it are our group's."""
    assert cgroup.container_memory({}, v1) == ContainerMemory(
        capacity_bytes=4 * GIB,
        working_set_bytes=2 * GIB,
        oom_kills=2,
        usage_bytes=3 * GIB,
        anon_bytes=500 * MIB,
        swap_bytes=4096,
        limit_hits=17,
        high_hits=None,
    )


def test_the_limit_of_a_group_above_binds(v2):
    """Under v2 a limit above binds; use and hits are that group's, kills are of our own group."""
    assert cgroup.container_memory({}, v2) == ContainerMemory(
        capacity_bytes=6 * GIB,
        working_set_bytes=3 * GIB,
        oom_kills=3,
        usage_bytes=5 * GIB,
        anon_bytes=700 * MIB,
        swap_bytes=8192,
        limit_hits=11,
        high_hits=4,
    )


def test_the_machine_binds_where_no_group_does(bare):
    """Without control groups the machine's memory counts, and what happened is unknown."""
    assert cgroup.container_memory({}, bare) == ContainerMemory(
        capacity_bytes=16 * GIB,
        working_set_bytes=8 * GIB,
        oom_kills=None,
        usage_bytes=12 * GIB,
        anon_bytes=6 * GIB,
        swap_bytes=512 << 10,
    )


@pytest.mark.parametrize("name", ["v1", "v2", "bare"])
def test_readings_of_their_own_say_the_same(name, request):
    """Each reading that can be had alone is the one in the snapshot."""
    root = request.getfixturevalue(name)
    whole = cgroup.container_memory({}, root)
    place = groups.find("memory", root)
    use = cgroup.memory_use(bounds.bounds({}, root, place), place)
    assert cgroup.memory_capacity({}, root) == whole.capacity_bytes
    assert (use.usage_bytes, use.working_set_bytes) == (whole.usage_bytes, whole.working_set_bytes)
    assert cgroup.oom_kills(root) == whole.oom_kills


def test_one_group_is_read_once(v2, opened):
    """Where our own group has the limit, each of its files is read a single time."""
    (v2 / "sys/fs/cgroup/pod/a/memory.max").write_text(f"{5 << 30}\n")
    memory = cgroup.container_memory({}, v2)
    assert (memory.limit_hits, memory.oom_kills) == (9, 3)
    read = [path for path in opened if "/pod/a/memory." in path]
    assert len(read) == len(set(read)) == 5


def test_the_platform_may_promise_less(v1):
    """The platform's promise in decimal gigabytes counts where it is the smallest."""
    assert cgroup.memory_capacity({"RUNPOD_MEM_GB": "2.5"}, v1) == 2_500_000_000
    assert cgroup.memory_capacity({"RUNPOD_MEM_GB": "64"}, v1) == 4 * GIB


def test_a_promise_without_a_group_says_nothing_of_usage(bare):
    """The host's usage is never held against the platform's promise."""
    memory = cgroup.container_memory({"RUNPOD_MEM_GB": "2"}, bare)
    assert memory.capacity_bytes == 2_000_000_000
    assert memory.working_set_bytes is None


@pytest.mark.parametrize("said", ["", "a lot", "nan", "inf", "-3", "0", "1e400"])
def test_a_nonsense_promise_is_no_promise(v1, said):
    """What is no positive number in RUNPOD_MEM_GB is passed over."""
    assert cgroup.memory_capacity({"RUNPOD_MEM_GB": said}, v1) == 4 * GIB


def test_nothing_known_is_none(tmp_path):
    """Where no file can be read every reading is None."""
    assert cgroup.container_memory({}, tmp_path) == ContainerMemory(
        capacity_bytes=None, working_set_bytes=None, oom_kills=None
    )
    assert cpu.times(groups.find("cpuacct", tmp_path), None) == (None, cpu.Throttling())
    assert meminfo.machine(tmp_path) == meminfo.Machine()
    assert cpu.runnable(tmp_path) is None
    assert network.network(tmp_path) == Network(received_bytes=None, sent_bytes=None)


def test_a_group_that_hides_its_usage_is_unknown(v1):
    """A limit whose usage cannot be read gives a capacity and no working set."""
    (v1 / "sys/fs/cgroup/memory/pod/a/memory.stat").unlink()
    memory = cgroup.container_memory({}, v1)
    assert (memory.capacity_bytes, memory.working_set_bytes) == (4 * GIB, None)
    assert (memory.usage_bytes, memory.anon_bytes, memory.swap_bytes) == (3 * GIB, None, None)


def test_without_swap_accounting_swap_is_unknown(v2):
    """A kernel that does not count a group's swap leaves it unknown, not zero."""
    (v2 / "sys/fs/cgroup/pod/memory.swap.current").unlink()
    assert cgroup.container_memory({}, v2).swap_bytes is None


def test_cores_are_the_smallest_of_quota_and_affinity(v1):
    """A quota below the affinity binds, one above does not."""
    assert cpu.capacity_cores(8, cpu.quota(v1)) == 1.5
    assert cpu.capacity_cores(1, cpu.quota(v1)) == 1.0


def test_a_quota_above_binds(v2):
    """Under v2 a quota of a group above ours binds too."""
    assert cpu.capacity_cores(8, cpu.quota(v2)) == 1.0


def test_without_a_quota_affinity_counts(bare):
    """Without control groups the cores are those this process may run on."""
    assert cpu.capacity_cores(3, cpu.quota(bare)) == 3.0
    assert cpu.affinity_cores() == len(os.sched_getaffinity(0))


def test_traffic_leaves_out_loopback(tree):
    """Traffic is that of all interfaces but loopback."""
    columns = "0 0 0 0 0 0 0"
    root = tree(
        {
            "proc/self/net/dev": (
                "Inter-|   Receive  |  Transmit\n face |bytes    packets|bytes    packets\n"
                f"    lo: 9 {columns} 9 {columns}\n"
                f"  eth0: 100 {columns} 20 {columns}\n"
                f"  eth1:5 {columns} 3 {columns}\n"
            )
        }
    )
    assert network.network(root) == Network(received_bytes=105, sent_bytes=23)


def test_a_file_system_is_seen_once(tmp_path):
    """Folders of one file system are one reading, under the first; missing ones are left out."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    found = disk.disks(["/a", "/b", "/missing"], tmp_path)
    assert [each.path for each in found] == ["/a"]
    known = os.statvfs(tmp_path)
    assert found[0].capacity_bytes == known.f_blocks * known.f_frsize
    assert 0 <= found[0].available_bytes <= found[0].capacity_bytes


def test_a_disk_that_refuses_is_unknown(tmp_path):
    """A path that is there and cannot be asked is a disk of which nothing is known."""
    (tmp_path / "file").write_text("")
    found = disk.disk("/file/below", tmp_path)
    assert found is not None
    assert found.capacity_bytes is None


def test_a_file_that_is_no_number_is_unknown(tree):
    """A word where a number is expected is None, as is a missing file."""
    root = tree({"word": "max\n", "number": "-1\n"})
    assert files.number(f"{root}/word") is None
    assert files.number(f"{root}/missing") is None
    assert files.number(f"{root}/number") == -1


def test_named_numbers_are_found_by_their_whole_name(tree):
    """A name that begins or ends like another is not taken for it; a word is no number."""
    root = tree({"table": "oom 1\noom_kill 2\nMem:    3 kB\nxMem: 4 kB\nword max\nlast 5"})
    names = ("oom", "oom_kill", "Mem", "kill", "word", "missing", "last")
    found = {"oom": 1, "oom_kill": 2, "Mem": 3, "last": 5}
    assert files.table(f"{root}/table", *names) == found
    assert files.table(f"{root}/missing", *names) == {}


def test_a_large_file_is_cut(tmp_path):
    """No file is read past a bound."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * (3 << 20))
    assert len(files.read(str(path))) < 2 << 20
