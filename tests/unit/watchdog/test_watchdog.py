"""Snapshots of this very process tree, and of what supervisord is said to run in it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from podkeeper.errors import SupervisordError
from podkeeper.loops.watchdog import Watchdog
from podkeeper.model import snapshot as model
from podkeeper.probes import proc
from podkeeper.supervisord import ProgramInfo


def info(name, pid, state="RUNNING"):
    """Return supervisord's word on one program."""
    return ProgramInfo(
        name=name,
        state=state,
        pid=pid,
        started_at_s=0,
        stopped_at_s=0,
        exit_status=0,
        spawn_error="",
    )


@pytest.fixture
def child():
    """Return a process that waits."""
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


@pytest.fixture
def watchdog(plan_of):
    """Return what makes a watchdog over a supervisord that says what it is told to."""

    def make(*infos, ask=None, plan=None):
        answer = ask or (lambda: list(infos))
        return Watchdog(plan or plan_of(), answer, os.getppid(), {})

    return make


def test_every_program_of_the_plan_is_read(watchdog, child, plan_of):
    """A snapshot has each program of the plan, with state, processes and memory where it runs."""
    taken = watchdog(info("handler", child.pid), info("webui", 0, "STOPPED")).take()
    assert [each.name for each in taken.programs] == [each.name for each in plan_of().programs]
    handler, webui, keeper = (taken.program(name) for name in ("handler", "webui", "keeper"))
    assert (handler.state, handler.pid, handler.processes) == ("RUNNING", child.pid, 1)
    assert handler.start_ticks == proc.stat(child.pid).start_ticks
    assert handler.memory_bytes > 0
    assert (handler.ready, handler.role) == (None, "handler")
    assert 0 < handler.open_files_most <= handler.open_files < handler.open_files_limit
    assert (webui.state, webui.pid, webui.memory_bytes) == ("STOPPED", None, None)
    assert (webui.ready, webui.readiness_detail) == (False, "not running")
    assert (keeper.state, keeper.pid) == (None, None)


def test_a_silent_supervisord_leaves_processes_known(watchdog, child):
    """Without supervisord's word states are unknown, and processes it named are still read."""
    words = [[info("handler", child.pid), info("webui", 0, "STOPPED")]]

    def ask():
        if not words:
            raise SupervisordError("cannot reach supervisord")
        return words.pop()

    sensing = watchdog(ask=ask)
    assert sensing.take().program("handler").state == "RUNNING"
    sensing._programs._states._period_s = 0.0
    blind = sensing.take()
    assert (blind.program("handler").state, blind.program("handler").pid) == (None, child.pid)
    assert blind.program("webui").ready is None


def test_a_pid_of_nobody_is_no_process(watchdog, child):
    """A process that died since supervisord was asked is not shown as running on."""
    child.kill()
    child.wait()
    handler = watchdog(info("handler", child.pid)).take().program("handler")
    assert (handler.pid, handler.processes) == (None, 0)


def test_snapshots_count_up_and_are_written(watchdog, plan_of):
    """Each turn leaves one snapshot in its file, and is the newest in the process."""
    plan = plan_of()
    sensing = watchdog(plan=plan)
    first, second = sensing.tick(), sensing.tick()
    assert (first.sequence, second.sequence) == (1, 2)
    assert second.taken_monotonic_s >= first.taken_monotonic_s
    assert sensing.newest == second == model.read(plan.snapshot_path)
    assert second.watchdog_pid == os.getpid()
    assert second.cpu.used_cores is None or second.cpu.used_cores >= 0
    assert second.cpu.runnable >= 1
    assert 0 < second.memory.anon_bytes < second.memory.usage_bytes


def test_a_folder_that_is_gone_ends_nothing(watchdog, plan_of, caplog):
    """Where the snapshot cannot be written it is served still, and said once."""
    plan = plan_of("worker.profile=simulator")
    sensing = watchdog(plan=plan)
    plan.snapshot_path.parent.rmdir()
    sensing.tick()
    sensing.tick()
    assert sensing.newest.sequence == 2
    assert caplog.text.count("cannot write the snapshot") == 1


@pytest.mark.parametrize(("run_id", "remembered"), [("run-1", True), ("another", False)])
def test_having_been_ready_outlives_the_watchdog(watchdog, plan_of, full, run_id, remembered):
    """A new life of the watchdog knows whether this start, and no other, has been ready."""
    plan = plan_of()
    before = model.dump(full).replace(b'"run_id":"run-1"', f'"run_id":"{run_id}"'.encode())
    plan.snapshot_path.write_bytes(before)
    assert watchdog(plan=plan).take().been_ready is remembered


def test_a_run_ends_when_told(watchdog, plan_of):
    """The watchdog takes snapshots at its pace until it is stopped, and ends soon then."""
    plan = plan_of("watchdog.period_s=10ms")
    sensing = watchdog(plan=plan)
    thread = threading.Thread(target=sensing.run)
    thread.start()
    end = time.monotonic() + 20
    while sensing.newest is None or sensing.newest.sequence < 5:
        assert time.monotonic() < end
        time.sleep(0.005)
    sensing.stop()
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def grower():
    """Return a process that takes 200 MiB when it is told to."""
    code = "import sys; sys.stdin.readline(); held = b'x' * (200 << 20); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as started:
        yield started
        started.kill()


def test_a_limit_that_is_crossed_between_two_snapshots_is_seen_at_once(watchdog, plan_of, grower):
    """A crossing does not wait for the next turn, which is minutes away."""
    plan = plan_of(
        "watchdog.period_s=10min",
        "watchdog.calm_period_s=10min",
        "keeper.watchdog_silence_s=1h",
        "webui.memory_soft=80MiB",
        "webui.memory_hard=100MiB",
    )
    sensing = watchdog(info("webui", grower.pid), plan=plan)
    thread = threading.Thread(target=sensing.run)
    thread.start()

    def wait_for_pressure(word):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = [] if sensing.newest is None else sensing.newest.signals
            own = [each for each in found if each.kind == "program_memory"]
            if word in [each.pressure for each in own]:
                return
            time.sleep(0.005)
        pytest.fail(f"never {word}")

    try:
        wait_for_pressure("calm")
        grower.stdin.write(b"\n")
        grower.stdin.flush()
        wait_for_pressure("critical")
    finally:
        sensing.stop()
        thread.join(20)


def test_a_run_ends_without_supervisord(plan_of, caplog):
    """A watchdog whose supervisord is gone ends, because nobody else could end it."""
    Watchdog(plan_of(), list, os.getppid() + 1, {}).run()
    assert "is gone" in caplog.text
