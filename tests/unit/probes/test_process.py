"""Single processes, and which of them make up a program."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.probes import proc, process
from podkeeper.probes.proc import Marks, families, members, parse_mark
from podkeeper.probes.process import ProcessStat, parse_stat

TAIL = "S 2 3 4 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 7 0 555 1000 25 18446744073709551615 0"


@given(name=st.binary(max_size=15).filter(lambda name: b"\n" not in name and b"\0" not in name))
def test_any_name_is_read(name):
    """A process's name may hold blanks and parentheses."""
    found = parse_stat(b"11 (" + name + b") " + TAIL.encode() + b"\n")
    assert found == ProcessStat(11, 2, 3, 4, 555, "S", 100, 7, 25 * os.sysconf("SC_PAGE_SIZE"))


@given(cut=st.integers(0, 60))
def test_a_cut_file_is_no_process(cut):
    """A file that ends before the fields that are needed is no process."""
    assert parse_stat(f"11 (name) {TAIL}".encode()[:cut]) is None


def test_this_process_is_in_the_scan():
    """A scan finds this process with what the system says of it."""
    own = process.scan()[os.getpid()]
    assert (own.ppid, own.pgid, own.sid) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert own.alive
    assert own.rss_bytes > 0
    assert process.stat(os.getpid()).identity == own.identity


def test_memory_counts_what_only_an_end_would_free(tree):
    """Memory is anonymous, shared and swapped; file pages are left out."""
    root = tree(
        {
            "proc/5/status": (
                "Name:\tx\nVmSwap:\t      7 kB\nVmRSS:\t 1000 kB\nRssAnon:\t  100 kB\n"
                "RssFile:\t  900 kB\nRssShmem:\t   20 kB\n"
            ),
            "proc/6/status": "Name:\tRssAnon\nState:\tZ\n",
        }
    )
    assert process.memory_of(5, root) == 127 * 1024
    assert process.memory_of(6, root) is None
    assert process.memory_of(7, root) is None


def test_memory_of_this_process_grows_with_it():
    """What this process takes shows in its memory."""
    before = process.memory_of(os.getpid())
    taken = b"x" * (32 << 20)
    assert process.memory_of(os.getpid()) - before > 16 << 20
    assert taken


def test_open_files_of_this_process_are_counted(tmp_path):
    """One file more that is open is one more in the count."""
    before = process.open_files_of(os.getpid())
    with (tmp_path / "file").open("w"):
        assert process.open_files_of(os.getpid()) == before + 1
    assert process.open_files_of(1 << 30) is None


def test_a_table_reads_anew_what_is_needed(tree):
    """Between two full looks new and needed processes are read, others only come and go."""
    line = "{} (x) S {} 3 4 0 -1 0 1 2 3 4 10 20 30 40 20 0 7 0 {} 1000 25 0"

    def write(*processes):
        for pid, ppid in processes:
            root = tree({f"proc/{pid}/stat": line.format(pid, ppid, pid)})
        return root

    now = [0.0]
    table = process.Table(write((5, 1), (6, 1), (7, 1)), 2.0, lambda: now[0])
    assert set(table.look(())) == {5, 6, 7}
    root = write((5, 2), (6, 2), (8, 2))
    (root / "proc/7/stat").unlink()
    (root / "proc/7").rmdir()
    now[0] = 1.9
    assert {pid: each.ppid for pid, each in table.look({5}).items()} == {5: 2, 6: 1, 8: 2}
    now[0] = 2.0
    assert {pid: each.ppid for pid, each in table.look(()).items()} == {5: 2, 6: 2, 8: 2}


def a_process(pid, ppid, *, pgid=0, state="S"):
    """Return a process of which only the family matters."""
    return ProcessStat(pid, ppid, pgid or pid, 1, pid * 10, state, 0, 1, 0)


def of(*processes):
    """Return a scan of these processes."""
    return {each.pid: each for each in processes}


def unmarked(_process):
    """Return no mark for anybody."""
    return


def test_a_program_is_its_descendants():
    """All that descend from the main process belong to it, and nobody else."""
    seen = of(
        a_process(1, 0), a_process(10, 1), a_process(11, 10), a_process(12, 11), a_process(20, 1)
    )
    assert members("a", 10, seen, unmarked, "run") == {(10, 100), (11, 110), (12, 120)}


def test_an_orphan_of_the_process_group_belongs():
    """A process of the main one's group belongs to it after its parent has gone."""
    seen = of(a_process(1, 0), a_process(10, 1), a_process(11, 1, pgid=10))
    assert members("a", 10, seen, unmarked, "run") == {(10, 100), (11, 110)}


def test_a_marked_orphan_of_an_earlier_life_belongs():
    """An orphan with the program's mark belongs, even while the program has no process."""
    seen = of(a_process(1, 0), a_process(9, 1), a_process(8, 1))
    marks = {9: ("a", "run"), 8: ("a", "another run")}
    mark_of = lambda each: marks.get(each.pid)  # noqa: E731 - a table
    assert members("a", None, seen, mark_of, "run") == {(9, 90)}
    assert members("b", None, seen, mark_of, "run") == set()


def test_the_dead_do_not_belong():
    """A process that waits to be reaped is no member, but its children are."""
    seen = of(a_process(10, 1), a_process(11, 10, state="Z"), a_process(12, 11))
    assert members("a", 10, seen, unmarked, "run") == {(10, 100), (12, 120)}


def test_a_main_process_that_is_gone_has_no_family():
    """A pid that is not in the scan gives nobody."""
    assert members("a", 99, of(a_process(1, 0)), unmarked, "run") == set()


parents = st.dictionaries(st.integers(2, 30), st.integers(1, 30), max_size=25)


@given(parents=parents, mains=st.lists(st.integers(2, 30), min_size=2, max_size=4, unique=True))
def test_families_agree_with_each_member_alone(parents, mains):
    """Many families at once are what each gives alone, in any tangle of parents and cycles."""
    seen = of(*(a_process(pid, ppid) for pid, ppid in parents.items()))
    named = {f"p{pid}": pid for pid in mains}
    together = families(named, seen, unmarked, "run")
    for name, pid in named.items():
        assert together[name] == members(name, pid, seen, unmarked, "run")
        assert {(pid, pid * 10)} & together[name] or pid not in seen


@pytest.mark.parametrize(
    ("environ", "mark"),
    [
        (b"A=1\0PODKEEPER_PROGRAM=webui\0PODKEEPER_RUN=r1\0", ("webui", "r1")),
        (b"PODKEEPER_RUN=r1\0PODKEEPER_PROGRAM=webui", ("webui", "r1")),
        (b"PODKEEPER_PROGRAM=webui\0", None),
        (b"XPODKEEPER_PROGRAM=webui\0PODKEEPER_RUN=r1\0", None),
        (b"", None),
    ],
)
def test_a_mark_needs_program_and_run(environ, mark):
    """A mark names a program and a start; one alone is none."""
    assert parse_mark(environ) == mark


def test_a_mark_is_read_once(tree):
    """A mark that was read is not read again for the same process, but is for a later one."""
    root = tree({"proc/5/environ": "PODKEEPER_PROGRAM=a\0PODKEEPER_RUN=r\0"})
    marks = Marks(root, now_ticks=lambda: 50)
    assert marks.of(a_process(5, 1)) == ("a", "r")
    tree({"proc/5/environ": "PODKEEPER_PROGRAM=b\0PODKEEPER_RUN=r\0"})
    assert marks.of(a_process(5, 1)) == ("a", "r")
    assert marks.of(ProcessStat(5, 1, 5, 1, 51, "S", 0, 1, 0)) == ("b", "r")


def test_a_young_process_without_a_mark_is_asked_again(tree):
    """Between fork and exec a process has no mark yet; an old one without a mark never gets one."""
    root, now = tree({"proc/5/environ": ""}), [50]
    marks = Marks(root, now_ticks=lambda: now[0])
    assert marks.of(a_process(5, 1)) is None
    tree({"proc/5/environ": "PODKEEPER_PROGRAM=a\0PODKEEPER_RUN=r\0"})
    assert marks.of(a_process(5, 1)) == ("a", "r")
    now[0] = 1_000_000
    root = tree({"proc/6/environ": ""})
    assert marks.of(a_process(6, 1)) is None
    tree({"proc/6/environ": "PODKEEPER_PROGRAM=a\0PODKEEPER_RUN=r\0"})
    assert marks.of(a_process(6, 1)) is None


def test_what_is_gone_is_forgotten(tree):
    """Marks of processes that are gone are not kept."""
    root = tree({"proc/5/environ": "PODKEEPER_PROGRAM=a\0PODKEEPER_RUN=r\0"})
    marks = Marks(root, now_ticks=lambda: 50)
    marks.of(a_process(5, 1))
    marks.forget_all_but(of(a_process(5, 1)))
    assert marks._known
    marks.forget_all_but({})
    assert not marks._known


@contextmanager
def running(code, **environ):
    """Run Python code that prints a line when it is ready, and end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        env={**os.environ, **environ},
    ) as child:
        try:
            yield child, child.stdout.readline()
        finally:
            child.kill()


def test_a_real_tree_and_its_orphan_are_found():
    """A child that moved to a session of its own, and lost its parent, is found by its mark."""
    code = (
        "import os, sys, time\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    os.setsid()\n"
        "    pid = os.fork()\n"
        "    if pid: os._exit(0)\n"
        "    print(os.getpid(), flush=True)\n"
        "    sys.stdin.read()\n"
        "    os._exit(0)\n"
        "os.waitpid(pid, 0)\n"
        "sys.stdin.read()\n"
    )
    marks = Marks()
    with running(code, PODKEEPER_PROGRAM="tested", PODKEEPER_RUN="here") as (child, line):
        seen, orphan_pid = proc.scan(), int(line)
        found = members("tested", child.pid, seen, marks.of, "here")
        assert found == {seen[child.pid].identity, seen[orphan_pid].identity}
        child.stdin.close()


def test_bytes_read_and_written_are_those_of_files_and_devices(tree):
    """Lines of log, which go into a pipe, do not count."""
    content = "rchar: 100\nwchar: 7000\nsyscr: 1\nread_bytes: 20\nwrite_bytes: 3\n"
    root = tree({"proc/9/io": content})
    assert process.io_bytes_of(9, root) == 123
    assert process.io_bytes_of(10, root) is None


def test_a_stopped_process_is_told_from_one_that_a_debugger_holds():
    """State T is SIGSTOP; t is a tracer's."""
    assert [a_process(1, 0, state=each).stopped for each in "TtSR"] == [True, False, False, False]
