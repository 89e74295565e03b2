"""What the kernel says of a process's place, from its files and of ourselves."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper.probes import isolation, listening

if TYPE_CHECKING:
    from collections.abc import Callable

STATUS = "Name:\tpython\nUmask:\t0027\nUid:\t0\t1000\t0\t0\nCpus_allowed_list:\t0-2,7\n"
STAT = "7 (a ) b) S 1 7 1 0 -1 0 0 0 0 0 5 6 0 0 20 5 1 0 99 0 1 0\n"
LIMITS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max core file size        0                    unlimited            bytes     \n"
    "Max address space         unlimited            unlimited            bytes     \n"
    "Max nice priority         0                    0                    \n"
)


def test_each_value_comes_from_the_kernels_file(tree: Callable[[dict[str, str]], Path]) -> None:
    """Effective user, umask, niceness, processors, limits, order of killing and group."""
    root = tree(
        {
            "proc/7/status": STATUS,
            "proc/7/stat": STAT,
            "proc/7/limits": LIMITS,
            "proc/7/oom_score_adj": "800\n",
        }
    )
    seen = isolation.seen(7, root)
    assert (seen.uid, seen.umask, seen.nice, seen.oom_score_adj) == (1000, "0027", 5, 800)
    assert (seen.cpus, seen.pgid) == ([0, 1, 2, 7], 7)
    assert seen.limits == {
        "Max core file size": 0,
        "Max address space": None,
        "Max nice priority": 0,
    }


def test_of_a_process_that_is_gone_nothing_is_known(
    tree: Callable[[dict[str, str]], Path],
) -> None:
    """Unknown is None, never 0."""
    seen = isolation.seen(7, tree({"proc/meminfo": ""}))
    assert (seen.uid, seen.umask, seen.nice, seen.oom_score_adj) == (None, None, None, None)
    assert (seen.cpus, seen.pgid, seen.limits, seen.io_class) == (None, None, None, None)


def test_our_own_place_is_as_python_sees_it() -> None:
    """The same values by another way."""
    seen = isolation.seen(os.getpid())
    assert seen.uid == os.geteuid()
    assert seen.nice == os.getpriority(os.PRIO_PROCESS, 0)
    assert seen.cpus == sorted(os.sched_getaffinity(0))
    assert seen.pgid == os.getpgid(0)
    assert seen.limits is not None
    assert seen.limits["Max open files"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@pytest.mark.skipif(shutil.which("ionice") is None, reason="ionice is not installed")
def test_disk_io_is_as_the_kernels_own_tool_shows_it() -> None:
    """Class and level of another process."""
    with subprocess.Popen(["ionice", "-c", "best-effort", "-n", "6", "cat"], stdin=-1) as process:
        try:
            while Path(f"/proc/{process.pid}/comm").read_text() != "cat\n":
                assert process.poll() is None
            seen = isolation.seen(process.pid)
        finally:
            process.kill()
    assert (seen.io_class, seen.io_level) == ("best-effort", 6)


def test_addresses_are_read_as_the_kernel_writes_them() -> None:
    """Both families, and the loopback of each."""
    assert listening.parse_address(b"0100007F:0BB8") == ("127.0.0.1", 3000)
    assert listening.parse_address(b"0" * 32 + b":0016") == ("::", 22)
    cases = {
        b"0100007F:0001": True,
        b"00000000:0001": False,
        b"00000000000000000000000001000000:0001": True,
        b"0000000000000000FFFF00000100007F:0001": True,
        b"0000000000000000FFFF00000100000A:0001": False,
    }
    assert {text: listening.parse_address(text).loopback for text in cases} == cases


def test_only_sockets_that_listen_are_seen() -> None:
    """Our own listening socket is found by its port; one that is connected is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            found = listening.listening([os.getpid()])
    assert found is not None
    assert [str(each) for each in found if each.port == port] == [f"127.0.0.1:{port}"]


def test_what_may_not_be_seen_is_unknown(tree: Callable[[dict[str, str]], Path]) -> None:
    """A process whose files are hidden is no process without sockets."""
    assert listening.listening([7], tree({"proc/7/status": ""})) is None
