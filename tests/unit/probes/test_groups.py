"""Where our control groups lie."""

from __future__ import annotations

from podkeeper.probes import groups


def test_v1_is_found_below_its_mount(v1):
    """Under v1 each controller's own hierarchy is used, also where v2 is mounted beside it."""
    place = groups.find("memory", v1)
    assert place == (1, f"{v1}/sys/fs/cgroup/memory/pod/a", f"{v1}/sys/fs/cgroup/memory")
    assert groups.find("cpuacct", v1).folder == f"{v1}/sys/fs/cgroup/cpu/pod/a"


def test_v2_is_found_below_its_mount(v2):
    """Under v2 every controller is in the one hierarchy."""
    place = groups.find("memory", v2)
    assert place == (2, f"{v2}/sys/fs/cgroup/pod/a", f"{v2}/sys/fs/cgroup")
    assert place == groups.find("cpu", v2)


def test_levels_go_up_to_the_mount(v2):
    """Every group from our own to the highest that can be seen is a level."""
    assert groups.find("memory", v2).levels() == [
        f"{v2}/sys/fs/cgroup/pod/a",
        f"{v2}/sys/fs/cgroup/pod",
        f"{v2}/sys/fs/cgroup",
    ]


def test_a_machine_without_groups_has_none(bare, tmp_path):
    """Where nothing is mounted or /proc is missing there is no group, and no error."""
    assert groups.find("memory", bare) is None
    assert groups.find("memory", tmp_path / "nowhere") is None


def test_a_bind_mounted_group_is_the_mount_point(tree):
    """Where only our own part of the host's tree is mounted, the mount point is our group."""
    root = tree(
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n",
            "proc/self/mountinfo": (
                "9 1 0:9 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
            ),
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "1\n",
        }
    )
    assert groups.find("memory", root).levels() == [f"{root}/sys/fs/cgroup/memory"]


def test_a_path_of_the_host_that_is_not_here_is_the_mount_point(tree):
    """A path outside of our namespace, such as one with dots, ends at the mount point."""
    root = tree(
        {
            "proc/self/cgroup": "0::/../../machine.slice/x\n",
            "proc/self/mountinfo": "9 1 0:9 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
            "sys/fs/cgroup/memory.max": "1\n",
        }
    )
    assert groups.find("memory", root).folder == f"{root}/sys/fs/cgroup"


def test_a_mount_point_with_a_space_is_read(tree):
    """A mount point is read as the kernel escapes it."""
    root = tree(
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": "9 1 0:9 / /my\\040groups ro - cgroup2 cgroup rw\n",
            "my groups/memory.max": "1\n",
        }
    )
    assert groups.find("memory", root).folder == f"{root}/my groups"
