"""Small trees of kernel files, as the probes' tests need them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Return what writes files by path and returns the root above them."""

    def write(files: dict[str, str]) -> Path:
        for name, content in files.items():
            path = tmp_path / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of files that are opened from now on."""
    paths: list[str] = []
    really = os.open

    def note(path: str, *rest: int) -> int:
        paths.append(path)
        return really(path, *rest)

    monkeypatch.setattr(os, "open", note)
    return paths


V1_MOUNTS = """\
23 1 0:1 / / rw - ext4 /dev/vda rw
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
"""
HYBRID_MOUNTS = V1_MOUNTS + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
V2_MOUNTS = "30 23 0:27 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n"
MEMINFO = (
    "MemTotal:       16777216 kB\nMemFree:  4194304 kB\nMemAvailable:    8388608 kB\n"
    "AnonPages:       6291456 kB\nSwapTotal:       2048 kB\nSwapFree:        1536 kB\n"
)


@pytest.fixture
def v1(tree) -> Path:
    """Return a machine with cgroup v1 and a memory limit of 4 GiB on our own group."""
    return tree(
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "5:cpu,cpuacct:/pod/a\n4:memory:/pod/a\n0::/\n",
            "proc/self/mountinfo": HYBRID_MOUNTS,
            "sys/fs/cgroup/unified/cgroup.procs": "",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/pod/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/pod/a/memory.limit_in_bytes": f"{4 << 30}\n",
            "sys/fs/cgroup/memory/pod/a/memory.usage_in_bytes": f"{3 << 30}\n",
            "sys/fs/cgroup/memory/pod/a/memory.stat": (
                f"cache 7\nrss 3\ninactive_file 5\ntotal_rss {500 << 20}\ntotal_swap 4096\n"
                f"total_inactive_file {1 << 30}\n"
            ),
            "sys/fs/cgroup/memory/pod/a/memory.failcnt": "17\n",
            "sys/fs/cgroup/memory/pod/a/memory.oom_control": (
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"
            ),
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu/pod/a/cpu.cfs_quota_us": "150000\n",
            "sys/fs/cgroup/cpu/pod/a/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/cpu/pod/a/cpuacct.usage": "2500000000\n",
            "sys/fs/cgroup/cpu/pod/a/cpu.stat": (
                "nr_periods 100\nnr_throttled 25\nthrottled_time 1500000000\n"
            ),
        }
    )


@pytest.fixture
def v2(tree) -> Path:
    """Return a machine with cgroup v2 and a memory limit of 6 GiB on the group above ours."""
    return tree(
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "0::/pod/a\n",
            "proc/self/mountinfo": V2_MOUNTS,
            "sys/fs/cgroup/cgroup.controllers": "cpu memory\n",
            "sys/fs/cgroup/pod/memory.max": f"{6 << 30}\n",
            "sys/fs/cgroup/pod/memory.current": f"{5 << 30}\n",
            "sys/fs/cgroup/pod/memory.stat": f"anon {700 << 20}\ninactive_file {2 << 30}\n",
            "sys/fs/cgroup/pod/memory.swap.current": "8192\n",
            "sys/fs/cgroup/pod/memory.events": "low 0\nhigh 4\nmax 11\noom 1\noom_kill 7\n",
            "sys/fs/cgroup/pod/cpu.max": "100000 100000\n",
            "sys/fs/cgroup/pod/cpu.stat": (
                "usage_usec 9\nnr_periods 40\nnr_throttled 10\nthrottled_usec 250000\n"
            ),
            "sys/fs/cgroup/pod/a/memory.max": "max\n",
            "sys/fs/cgroup/pod/a/memory.current": f"{2 << 30}\n",
            "sys/fs/cgroup/pod/a/memory.stat": f"anon 1\ninactive_file {1 << 30}\n",
            "sys/fs/cgroup/pod/a/memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 3\n",
            "sys/fs/cgroup/pod/a/cpu.max": "max 100000\n",
            "sys/fs/cgroup/pod/a/cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
        }
    )


@pytest.fixture
def bare(tree) -> Path:
    """Return a machine without control groups."""
    return tree({"proc/meminfo": MEMINFO, "proc/self/cgroup": "", "proc/self/mountinfo": ""})
