"""Stories of programs that live but do not work."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from fake_world import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up, whose stall is 15 s and whose idle silence is 12 s."""
    told = Story(tmp_path)
    told.run(2)
    yield told
    told.ledger.close()


def hang(story: Story, name: str = "webui") -> None:
    """Let a program stand still from now on."""
    story.world.programs[name].hung = True


def stop(story: Story, name: str = "webui") -> None:
    """Send a program SIGSTOP."""
    hang(story, name)
    story.world.programs[name].stopped = True


def test_a_job_that_stands_still_ends_in_another_webui(story: Story) -> None:
    """It is asked to end first, killed when it does not, and started again under one incident."""
    story.world.give_job()
    story.run(30)
    assert story.ledger.incidents() == []
    hang(story)
    story.run(14)
    assert story.ledger.incidents() == []
    story.run(2)
    assert story.world.deeds[-1] == ("take_down", "webui")
    story.run(12)
    assert story.world.deeds[-2:] == [("kill", "webui"), ("start", "webui")]
    (incident,) = story.ledger.incidents()
    assert (incident.cause, incident.program) == ("hang", "webui")
    assert incident.evidence["job"] == "job-1"
    assert incident.closed_at_s is not None
    story.run(60)
    assert len(story.ledger.incidents()) == 1


def test_a_stopped_program_is_killed_without_being_asked(story: Story) -> None:
    """No signal but SIGKILL would reach it; nobody waits for it to hear another."""
    story.world.give_job()
    stop(story)
    story.run(7)
    assert story.world.deeds[-2:] == [("kill", "webui"), ("start", "webui")]
    (incident,) = story.ledger.incidents()
    assert incident.cause == "hang"
    assert incident.evidence["stopped"] is True


@pytest.mark.parametrize("name", ["handler", "platform"])
def test_others_that_are_stopped_are_replaced_too(story: Story, name: str) -> None:
    """The rule holds for whatever the keeper restarts."""
    stop(story, name)
    story.run(7)
    assert ("kill", name) in story.world.deeds
    assert story.state(name) == "RUNNING"


def test_an_idle_webui_that_answers_nobody_is_replaced(story: Story) -> None:
    """A deadlock without a job shows in probes that fail and processes that do nothing."""
    hang(story)
    story.run(11)
    assert story.ledger.incidents() == []
    story.run(15)
    (incident,) = story.ledger.incidents()
    assert (incident.cause, incident.program) == ("hang", "webui")
    assert incident.evidence["liveness_failures"] == 99


def test_a_webui_that_fails_its_probes_under_a_moving_job_is_left_alone(story: Story) -> None:
    """Forty requests at once make it deaf, not dead."""
    story.world.give_job()
    story.world.deaf.add("webui")
    story.run(300)
    assert story.ledger.incidents() == []


def test_a_webui_that_still_starts_is_not_judged_by_its_probes(tmp_path: Path) -> None:
    """Before it was ready once, the deadline of its start counts and nothing else."""
    story = Story(tmp_path)
    story.world.programs["webui"].ready_after_s = 50
    story.world.deaf.add("webui")
    story.run(45)
    assert story.ledger.incidents() == []
    story.ledger.close()


def test_the_stack_is_written_down_before_the_end(story: Story) -> None:
    """The dump's path stands in the incident; the program goes when it is there."""
    story.world.dumps = True
    hang(story)
    story.run(40)
    (incident,) = story.ledger.incidents()
    assert [each.deed for each in incident.actions] == ["dump", "take_down", "kill", "start"]
    assert incident.actions[0].outcome == "/dumps/1.txt"


def test_a_keeper_that_dies_during_a_dump_still_ends_the_program(story: Story) -> None:
    """The next keeper knows what was due, waits as long as for any other, and kills."""
    story.world.dumps, story.world.slow_dumps = True, True
    hang(story)
    story.run(13)
    assert story.world.deeds[-1] == ("dump", "webui")
    story.world.dumped.clear()
    story.new_keeper()
    story.run(12)
    assert story.world.deeds[-2:] == [("kill", "webui"), ("start", "webui")]
    assert [each.cause for each in story.ledger.incidents()] == ["hang"]


def test_a_program_that_dies_during_its_dump_is_killed_no_more(story: Story) -> None:
    """The pid may be somebody else's by then."""
    story.world.dumps, story.world.slow_dumps = True, True
    hang(story)
    story.run(13)
    story.world.die("webui", number=signal.SIGSEGV)
    story.world.slow_dumps = False
    before = len(story.world.deeds)
    story.run(5)
    assert story.world.deeds[before:] == [("start", "webui")]


def test_a_watchdog_that_is_gone_convicts_nobody(story: Story) -> None:
    """Old readings that stay the same are no standstill."""
    story.world.give_job()
    story.world.handler_writes = False
    story.world.watchdog_alive = False
    story.run(9)
    story.world.watchdog_alive = True
    story.world.handler_writes = True
    story.run(9)
    assert not [each for each in story.ledger.incidents() if each.cause == "hang"]


def test_a_handler_at_work_that_writes_no_more_is_replaced(story: Story) -> None:
    """With jobs in hand its file is its sign of life; WebUIs are not blamed for its silence."""
    story.world.give_job()
    story.run(1)
    story.world.handler_writes = False
    for _ in range(60):
        story.world.programs["webui"].cpu_s += 1
        story.run(1)
        if story.ledger.incidents():
            break
    (incident,) = story.ledger.incidents()
    assert (incident.program, incident.cause) == ("handler", "hang")


def test_a_handler_without_jobs_may_be_silent(story: Story) -> None:
    """An idle handler has nothing to write."""
    story.run(1)
    story.world.handler_writes = False
    story.run(120)
    assert story.ledger.incidents() == []


@pytest.mark.parametrize("order", ["", "drain"])
def test_a_handler_that_freezes_while_it_is_being_stopped_is_killed(
    story: Story, order: str
) -> None:
    """Its stop waits for the longest job, and it would do nothing in that time."""
    if order:
        story.world.order(order)
        story.run(1)
    else:
        story.world.take_down("handler")
    stop(story, "handler")
    story.run(7)
    assert ("kill", "handler") in story.world.deeds
    assert story.state("handler") == "STOPPED"
    assert story.ledger.incidents() == []


def test_a_death_says_which_jobs_were_in_hand(story: Story) -> None:
    """Whoever reads the incident learns what ran when it happened."""
    story.world.give_job()
    story.run(2)
    story.world.die("webui", number=signal.SIGSEGV)
    story.run(2)
    (incident,) = story.ledger.incidents()
    assert incident.evidence["jobs_in_hand"] == ["job-1 sampling 50% at webui"]
