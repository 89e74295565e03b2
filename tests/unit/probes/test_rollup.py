"""What a process shares of its memory, what its fast reading leaves out, its limit of files."""

from __future__ import annotations

import mmap
import os
import resource

from podkeeper.probes import process
from podkeeper.probes.rollup import Rollup, rollup_of, rollup_of_tree

MIB = 1 << 20
ROLLUP = (
    "55d0-7ffe ---p 00000000 00:00 0    [rollup]\nRss:    900 kB\nPss:    500 kB\n"
    "Pss_Dirty:   90 kB\nPrivate_Clean:  100 kB\nPrivate_Dirty:  200 kB\nPrivate_Hugetlb: 8 kB\n"
    "Swap:    64 kB\nSwapPss:    32 kB\n"
)


def test_shared_memory_is_told_apart(tree):
    """PSS is the kernel's, USS the sum of what is private, swap is shared as PSS is."""
    root = tree({"proc/5/smaps_rollup": ROLLUP})
    assert rollup_of(5, root) == Rollup(500 << 10, 308 << 10, 32 << 10)


def test_a_tree_is_the_sum_of_what_can_be_seen(tree):
    """Processes that are gone or hide add nothing; a tree of those alone is unknown."""
    root = tree({"proc/5/smaps_rollup": ROLLUP, "proc/6/smaps_rollup": ROLLUP})
    assert rollup_of_tree([5, 6, 7], root) == Rollup(1000 << 10, 616 << 10, 64 << 10)
    assert rollup_of_tree([7, 8], root) is None
    assert rollup_of(7, root) is None


def test_what_this_process_takes_is_its_own():
    """Memory that only this process maps grows PSS and USS alike."""
    before = rollup_of(os.getpid())
    taken = b"x" * (32 * MIB)
    after = rollup_of(os.getpid())
    assert after.pss_bytes - before.pss_bytes > 16 * MIB
    assert after.uss_bytes - before.uss_bytes > 16 * MIB
    assert taken


def test_the_fast_reading_is_anonymous_memory(tree):
    """It is resident less shared, in pages; a cut or missing file is no process."""
    page = os.sysconf("SC_PAGE_SIZE")
    root = tree({"proc/5/statm": "1000 300 100 5 0 400 0\n", "proc/6/statm": "1000 300"})
    assert process.anonymous_fast(5, root) == 200 * page
    assert process.anonymous_fast(6, root) is None
    assert process.anonymous_fast(7, root) is None


def test_the_fast_reading_sees_what_this_process_takes():
    """Anonymous memory shows at once, shared memory does not."""
    before = process.anonymous_fast(os.getpid())
    with mmap.mmap(-1, 64 * MIB) as shared:
        shared.write(b"x" * (64 * MIB))
        assert process.anonymous_fast(os.getpid()) - before < 32 * MIB
    before = process.anonymous_fast(os.getpid())
    taken = b"x" * (64 * MIB)
    assert process.anonymous_fast(os.getpid()) - before > 32 * MIB
    assert taken


def test_the_limit_of_open_files_is_the_soft_one(tree):
    """It is this process's own, or what the kernel's table says; unknown of nobody's."""
    assert process.open_files_limit_of(os.getpid()) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert process.open_files_limit_of(1 << 30) is None
    root = tree(
        {
            "proc/5/limits": (
                "Limit                     Soft Limit           Hard Limit           Units     \n"
                "Max processes             94137                94137                processes \n"
                "Max open files            1024                 524288               files     \n"
            )
        }
    )
    assert process.open_files_limit_of(5, root) == 1024
    assert process.open_files_limit_of(6, root) is None


def test_swap_is_part_of_what_is_held(tree):
    """What is swapped out counts as held, and is told; a kernel without swap says nothing of it."""
    root = tree(
        {
            "proc/5/status": "Name:\tx\nRssAnon:\t 100 kB\nRssShmem:\t 20 kB\nVmSwap:\t 7 kB\n",
            "proc/6/status": "Name:\tx\nRssAnon:\t 100 kB\n",
        }
    )
    assert process.holdings_of(5, root) == (127 << 10, 7 << 10)
    assert process.holdings_of(6, root) == (100 << 10, None)
    assert process.holdings_of(7, root) == (None, None)
