"""The parts of the plugin that watch, count and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from supervisor import events
from supervisor.states import ProcessStates, SupervisorStates

from hooks.plugin_deaths import DeathRecorder
from hooks.plugin_watch import KeeperWatch


class FakeSupervisord:
    """As much of supervisord as the plugin touches, around one real process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        config = SimpleNamespace(name="keeper")
        self.program = SimpleNamespace(
            config=config, pid=process.pid, state=ProcessStates.RUNNING, killing=False
        )
        group = SimpleNamespace(processes={"keeper": self.program})
        self.process_groups = {"keeper": group}
        self.said: list[str] = []
        self.options = SimpleNamespace(
            pidhistory={process.pid: self.program},
            logger=SimpleNamespace(critical=self.said.append),
            waitpid=None,
            mood=SupervisorStates.RUNNING,
        )


@pytest.fixture
def sleeper():
    """Give a process that sleeps until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def reaped(recorder: DeathRecorder) -> tuple[int | None, int | None]:
    """Return the next child's end, waited for."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        pid, status = recorder.waitpid()
        if pid:
            return pid, status
        time.sleep(0.01)
    raise AssertionError("no child ended")


def test_a_silent_keeper_is_killed_and_the_reason_is_on_record(sleeper) -> None:
    """Silence longer than allowed ends the process; its death says that it was silent."""
    fake = FakeSupervisord(sleeper)
    recorder = DeathRecorder(fake)
    watch = KeeperWatch(fake, recorder, program="keeper", silence_s=-1.0)
    watch.on_tick(None)  # a new life is first seen
    assert fake.said == []
    watch.on_tick(None)
    assert "has not looked" in fake.said[0]
    assert reaped(recorder)[0] == sleeper.pid
    (death,) = recorder.after(-1)
    assert (death["signal"], death["own_cause"]) == (signal.SIGKILL, "silent")


def test_a_keeper_that_looks_is_left_alone(sleeper) -> None:
    """A sign of life starts the silence anew."""
    fake = FakeSupervisord(sleeper)
    watch = KeeperWatch(fake, DeathRecorder(fake), program="keeper", silence_s=600)
    for _ in range(3):
        watch.heard()
        watch.on_tick(None)
    assert sleeper.poll() is None


@pytest.mark.parametrize("state", [ProcessStates.STOPPED, ProcessStates.STARTING])
def test_a_keeper_that_does_not_run_cannot_be_silent(sleeper, state) -> None:
    """A keeper that is stopped or coming up is nobody's victim."""
    fake = FakeSupervisord(sleeper)
    fake.program.state = state
    watch = KeeperWatch(fake, DeathRecorder(fake), program="keeper", silence_s=-1.0)
    watch.on_tick(None)
    watch.on_tick(None)
    assert sleeper.poll() is None
    assert fake.said == []


def test_a_keeper_is_not_silent_while_everything_is_being_stopped(sleeper) -> None:
    """It waits for the others' end then, to clear up what they leave behind."""
    fake = FakeSupervisord(sleeper)
    fake.options.mood = SupervisorStates.SHUTDOWN
    watch = KeeperWatch(fake, DeathRecorder(fake), program="keeper", silence_s=-1.0)
    watch.on_tick(None)
    watch.on_tick(None)
    assert sleeper.poll() is None


def test_a_worker_without_a_keeper_is_no_error() -> None:
    """Nothing here may raise into supervisord's loop."""
    options = SimpleNamespace(mood=SupervisorStates.RUNNING)
    fake = SimpleNamespace(process_groups={}, options=options)
    KeeperWatch(fake, None, program="keeper", silence_s=0).on_tick(None)


@pytest.mark.parametrize(
    ("code", "exit_code", "number"),
    [
        ("import sys; sys.exit(3)", 3, None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGUSR1)", None, signal.SIGUSR1),
    ],
)
def test_a_death_has_its_code_or_its_signal(code, exit_code, number) -> None:
    """The record says what the kernel said, with peak memory and the lines that came last."""
    process = subprocess.Popen([sys.executable, "-c", code])
    recorder = DeathRecorder(FakeSupervisord(process))
    assert reaped(recorder)[0] == process.pid
    recorder.add_last_lines(process.pid, ["bye"])
    recorder.add_last_lines(-1, ["of nobody"])
    (death,) = recorder.after(-1)
    assert (death["exit_code"], death["signal"]) == (exit_code, number)
    assert death["peak_rss_bytes"] > 1 << 20
    assert death["last_lines"] == ["bye"]
    assert recorder.after(death["sequence"]) == []
    process.returncode = 0  # reaped above: nothing is left for Popen to wait for


def test_no_child_is_no_death() -> None:
    """Without anything to reap the answer is supervisord's own for it."""
    recorder = DeathRecorder(FakeSupervisord(SimpleNamespace(pid=-1)))
    pid, status = recorder.waitpid()
    assert not pid
    assert not status


def test_the_exit_code_is_the_last_word() -> None:
    """What was registered later still runs; then the process ends with the code that was set."""
    script = (
        "import atexit, sys\n"
        "from hooks.plugin_exit import ExitCode\n"
        "ending = ExitCode(); ending.attach()\n"
        "atexit.register(lambda: print('flushed', flush=True))\n"
        "ending.code = int(sys.argv[1])\n"
    )
    for code in (0, 70):
        done = subprocess.run(
            [sys.executable, "-c", script, str(code)], capture_output=True, check=False, timeout=60
        )
        assert (done.returncode, done.stdout.strip()) == (code, b"flushed")


def test_the_events_the_plugin_needs_exist() -> None:
    """An upgrade of supervisor that renames them fails here, not at three in the morning."""
    for name in ("TickEvent", "ProcessStateEvent", "ProcessLogEvent", "ProcessStateExitedEvent"):
        assert issubclass(getattr(events, name), events.Event)
    assert os.WIFSIGNALED(9)
