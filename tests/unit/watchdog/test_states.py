"""How often supervisord is asked, and what stands while it does not answer."""

from __future__ import annotations

import pytest

from podkeeper.errors import SupervisordError
from podkeeper.loops.sensors import Usage
from podkeeper.loops.states import States
from podkeeper.probes.process import ProcessStat
from podkeeper.supervisord import ProgramInfo

SUPERVISORD = 50


def child(pid, *, start=1, ppid=SUPERVISORD, state="S"):
    """Return a process that supervisord has started."""
    return ProcessStat(pid, ppid, pid, 1, start, state, 0, 1, 0)


def info(name, pid=0, state=None):
    """Return supervisord's word on one program."""
    return ProgramInfo(
        name=name,
        state=state or ("RUNNING" if pid else "STOPPED"),
        pid=pid,
        started_at_s=0,
        stopped_at_s=0,
        exit_status=0,
        spawn_error="",
    )


class Told:
    """A supervisord that says what it is told to, or nothing."""

    def __init__(self):
        self.word = [info("a", 60)]
        self.questions = 0
        self.now_s = 100.0

    def programs(self):
        """Answer a question."""
        self.questions += 1
        if self.word is None:
            raise SupervisordError("cannot reach supervisord")
        return self.word


@pytest.fixture
def told():
    """Return a supervisord with one program."""
    return Told()


@pytest.fixture
def states(told):
    """Return what asks it no more than once a second."""
    return States(told.programs, SUPERVISORD, 1.0, lambda: told.now_s)


def seen(*processes):
    """Return a scan of these processes."""
    return {each.pid: each for each in processes}


def test_a_quiet_supervisord_is_asked_once_a_period(told, states):
    """While no process comes or goes the period decides."""
    for _ in range(5):
        assert states.look(seen(child(60)))["a"].pid == 60
    assert told.questions == 1
    told.now_s += 1.0
    states.look(seen(child(60)))
    assert told.questions == 2


@pytest.mark.parametrize(
    "after",
    [
        seen(),
        seen(child(60), child(61)),
        seen(child(60, start=2)),
        seen(child(60, state="Z")),
    ],
)
def test_a_change_of_its_children_asks_at_once(told, states, after):
    """A child that died, was born or was replaced under the same pid asks at once, and once."""
    states.look(seen(child(60)))
    states.look(after)
    states.look(after)
    assert told.questions == 2


@pytest.mark.parametrize("state", ["STARTING", "STOPPING", "BACKOFF"])
def test_a_state_that_passes_is_asked_for_until_it_has(told, states, state):
    """While a program is on its way to another state every look asks."""
    told.word = [info("a", 60, state)]
    states.look(seen(child(60)))
    states.look(seen(child(60)))
    assert told.questions == 2
    told.word = [info("a", 60)]
    for _ in range(3):
        states.look(seen(child(60)))
    assert told.questions == 3


def test_processes_of_others_do_not_ask(told, states):
    """Processes that are not supervisord's own children ask nothing."""
    states.look(seen(child(60)))
    states.look(seen(child(60), child(70, ppid=60)))
    assert told.questions == 1


def test_silence_keeps_the_last_word_and_is_said_once(told, states, caplog):
    """Without an answer the last word stands, marked as not answered, and is logged once."""
    states.look(seen(child(60)))
    told.word = None
    for _ in range(3):
        told.now_s += 1.0
        assert states.look(seen(child(60)))["a"].pid == 60
        assert not states.answered
    assert caplog.text.count("states are unknown") == 1
    told.word = [info("a")]
    told.now_s += 1.0
    assert states.look(seen())["a"].pid == 0
    assert states.answered


def test_silence_is_not_asked_faster(told, states):
    """A supervisord that does not answer is asked once a period, whatever its children do."""
    told.word = None
    for pid in range(60, 70):
        states.look(seen(child(pid)))
    assert told.questions == 1


def test_cores_in_use_are_a_rate():
    """Processor time becomes cores in use; the first reading and unknown ones give none."""
    usage = Usage()
    assert usage.cores(10.0, 100.0) is None
    assert usage.cores(11.0, 102.0) == 0.5
    assert usage.cores(None, 103.0) is None
    assert usage.cores(20.0, 104.0) is None
    assert usage.cores(19.0, 105.0) == 0.0
    assert usage.cores(19.0, 105.0) is None
