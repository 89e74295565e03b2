"""Stories of what runs out, and what is done about it in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_world import Story
from msgspec.structs import replace

from podkeeper.model.signal import SignalReading
from podkeeper.policy.duty import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 1 << 30
#: Of the simulator: soft at 2 GiB, hard at 3 GiB, killed at once above 3.24 GiB.
SOFT_BYTES, HARD_BYTES, CRITICAL_BYTES = int(2.5 * GIB), int(3.1 * GIB), 4 * GIB
RAM, CONTAINER, DISK = "program memory of webui", "memory", "disk of /"


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up, with nothing to be remembered of how."""
    told = Story(tmp_path)
    told.run(2)
    del told.world.deeds[:]
    yield told
    told.ledger.close()


def deeds(story: Story) -> list[str]:
    """Return what the newest incident says was done."""
    return [each.deed for each in story.ledger.incidents()[0].actions]


def test_what_is_soft_is_noted_then_asked_to_give_back_and_closed_when_it_has(
    story: Story,
) -> None:
    """The mildest step that helps is the last one."""
    story.giver.able, story.giver.leaves_bytes = {RAM}, 1000
    story.world.programs["webui"].memory_bytes = SOFT_BYTES
    story.run(20)
    (incident,) = story.ledger.incidents()
    assert (incident.cause, deeds(story)) == ("memory_soft", ["reclaim"])
    assert incident.closed_at_s is not None
    assert story.world.deeds == []


def test_reclaiming_in_vain_is_given_up_and_nothing_worse_is_done_while_it_is_soft(
    story: Story,
) -> None:
    """A soft limit restarts nobody."""
    story.giver.able = {RAM}
    story.world.programs["webui"].memory_bytes = SOFT_BYTES
    story.run(300)
    assert len(story.giver.begun) == story.plan.settings.memory.reclaims
    assert story.world.deeds == []


def test_over_the_hard_limit_a_job_ends_before_its_webui_is_restarted(story: Story) -> None:
    """No further job is let in, the one in hand ends, then the WebUI goes and comes back."""
    story.world.give_job()
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(30)
    assert story.world.deeds == [("take_down", "handler")]
    assert story.state("webui") == "RUNNING"
    story.world.jobs.clear()
    story.world.die("handler", code=0)
    story.run(1)
    assert story.world.deeds[1:] == [("clear", "handler"), ("take_down", "webui")]
    story.world.die("webui", code=0)
    story.run(2)
    assert story.world.deeds[-2:] == [("start", "webui"), ("start", "handler")]
    (incident,) = story.ledger.incidents()
    assert (incident.cause, deeds(story)) == ("memory_hard", ["restart", "start"])
    assert incident.closed_at_s is not None


def test_a_reclaim_that_helps_saves_the_restart(story: Story) -> None:
    """Over the hard limit jobs are held back while it is asked to give back, and let in again."""
    story.world.give_job()
    story.giver.able, story.giver.leaves_bytes = {RAM}, 1000
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    pid = story.world.programs["webui"].pid
    story.run(5)
    assert story.world.deeds == [("take_down", "handler")]
    story.world.jobs.clear()
    story.world.die("handler", code=0)
    story.run(2)
    assert story.state("handler") == "RUNNING"
    assert story.world.programs["webui"].pid == pid
    (incident,) = story.ledger.incidents()
    assert (incident.cause, deeds(story)) == ("memory_hard", ["pause", "reclaim"])
    assert incident.closed_at_s is not None


def test_a_reclaim_in_vain_is_followed_by_the_restart_at_once(story: Story) -> None:
    """What has given back all it can is not waited for, and no crash is made of it."""
    story.world.give_job()
    story.giver.able = {RAM}
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(0)
    story.world.jobs.clear()
    story.world.die("handler", code=0)
    story.run(3)
    assert ("take_down", "webui") in story.world.deeds
    assert deeds(story) == ["pause", "reclaim", "restart"]
    story.world.die("webui", code=0)
    story.run(3)
    assert story.state("handler") == "RUNNING"
    spent = story.ledger.recall("run", "record.webui", Record)
    assert spent.history.restarted_at_s == ()


def test_a_webui_that_never_had_a_job_spends_its_restarts(story: Story) -> None:
    """One that is too large from its start on would be restarted for ever."""
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(1)
    assert deeds(story) == ["take_down"]
    story.world.die("webui", code=0)
    story.run(2)
    spent = story.ledger.recall("run", "record.webui", Record)
    assert len(spent.history.restarted_at_s) == 1


def test_a_job_that_does_not_end_is_cut_after_its_time(story: Story) -> None:
    """Whoever is over a hard limit waits for a job, but not for ever."""
    story.world.give_job()
    story.world.programs["webui"].memory_bytes = HARD_BYTES
    story.run(story.plan.settings.memory.drain_wait_s + 2)
    assert story.world.deeds[-1] == ("take_down", "webui")
    story.world.die("webui", code=0)
    story.world.jobs.clear()
    story.world.die("handler", code=0)
    story.run(5)
    assert [each for each in story.world.deeds if each[0] == "take_down"][2:] == []
    assert story.state("handler") == "RUNNING"


def test_what_is_critical_is_killed_with_its_job(story: Story) -> None:
    """The kernel would kill next, and it might choose another."""
    story.world.give_job()
    story.world.programs["webui"].memory_bytes = CRITICAL_BYTES
    story.run(1)
    assert story.world.deeds == [("kill", "webui"), ("start", "webui")]
    assert [each.cause for each in story.ledger.incidents()] == ["memory_hard"]


@pytest.mark.parametrize("first_bytes", [HARD_BYTES, CRITICAL_BYTES])
def test_a_second_reading_can_pardon(story: Story, first_bytes: int) -> None:
    """What was over the limit for a moment only is not killed for it."""
    story.world.second_reading = 1 * GIB
    story.world.programs["webui"].memory_bytes = first_bytes
    story.run(10)
    assert story.world.deeds == []


def test_a_container_without_room_takes_its_largest_program(story: Story) -> None:
    """The WebUI is within its own limit, and still the one whose end helps."""
    story.world.programs["webui"].memory_bytes = int(1.9 * GIB)
    story.world.other_bytes = int(6.05 * GIB)
    story.run(1)
    assert story.world.deeds[:1] == [("kill", "webui")]
    incident = story.ledger.incidents()[0]
    assert (incident.program, incident.cause) == ("webui", "container_memory")
    assert "largest in a container short of RAM" in incident.sentence


def test_a_reading_of_before_a_death_costs_nobody_else(story: Story) -> None:
    """While the watchdog has not looked again, the killed WebUI's memory is held against no one."""
    story.world.programs["webui"].memory_bytes = CRITICAL_BYTES
    story.world.programs["handler"].memory_bytes = 1 * GIB
    story.world.other_bytes = 3 * GIB
    story.run(0)
    assert story.world.deeds == [("kill", "webui")]
    # The kernel takes its time to count what was given back.
    story.world.other_bytes += CRITICAL_BYTES
    story.world.watchdog_alive = False
    for _ in range(3):
        story.keeper.look()
    assert [each for each in story.world.deeds if each[1] != "webui"] == []
    assert {each.program for each in story.ledger.incidents()} == {"webui"}


def test_what_is_said_of_a_dead_process_is_nobodys(story: Story) -> None:
    """A last word on the WebUI that was killed neither pauses nor restarts anything."""
    old = story.world.programs["webui"].pid
    story.world.die("webui", code=1)
    story.run(1)
    said = SignalReading(
        kind="program_memory",
        subject="webui",
        pid=old,
        headroom=None,
        capacity=None,
        pressure="critical",
    )
    story.world.watchdog_alive = False
    assert story.world.last_snapshot is not None
    story.world.last_snapshot = replace(story.world.last_snapshot, signals=[said])
    del story.world.deeds[:]
    story.keeper.look()
    assert story.world.deeds == []


def test_where_no_restart_would_help_nobody_is_restarted(story: Story) -> None:
    """What fills the container is none of ours: only jobs are held back."""
    story.world.other_bytes = int(7.7 * GIB)
    story.run(60)
    assert story.world.deeds == [("take_down", "handler")]
    assert story.ledger.incidents()[0].program == "worker"


def test_a_full_disk_holds_jobs_back_until_there_is_room(story: Story) -> None:
    """The handler drains; it comes back once there is room again, and the incident is over."""
    story.giver.able = {DISK}
    story.world.disk_left_bytes = 2 * GIB
    story.run(5)
    assert story.world.deeds == [("take_down", "handler")]
    story.world.die("handler", code=0)
    story.run(5)
    assert story.state("handler") == "STOPPED"
    story.world.disk_left_bytes = 4 * GIB
    story.run(5)
    assert story.state("handler") == "STOPPED"
    story.world.disk_left_bytes = 50 * GIB
    story.run(2)
    assert story.state("handler") == "RUNNING"
    (incident,) = story.ledger.incidents()
    assert (incident.program, incident.cause) == ("worker", "disk_low")
    assert deeds(story) == ["pause", "reclaim"]
    assert incident.closed_at_s is not None


def test_a_keeper_that_dies_while_jobs_are_held_back_goes_on_holding_them(story: Story) -> None:
    """Why it holds them outlives it, and so does the one incident."""
    story.world.disk_left_bytes = 2 * GIB
    story.run(1)
    story.world.die("handler", code=0)
    story.new_keeper()
    story.run(5)
    assert story.state("handler") == "STOPPED"
    story.world.disk_left_bytes = 50 * GIB
    story.run(2)
    assert story.state("handler") == "RUNNING"
    assert len(story.ledger.incidents()) == 1


def test_two_programs_over_their_limits_go_one_after_the_other(tmp_path: Path) -> None:
    """Never two victims at a time."""
    story = Story(tmp_path, "webui.instances=2")
    story.run(2)
    for name in ("webui-0", "webui-1"):
        story.world.programs[name].memory_bytes = HARD_BYTES
    story.run(3)
    down = [name for name, each in story.world.programs.items() if each.state == "STOPPING"]
    assert len(down) == 1
    story.world.die(down[0], code=0)
    story.run(3)
    gone = [name for deed, name in story.world.deeds if deed == "take_down"]
    assert sorted(gone) == ["webui-0", "webui-1"]
    story.ledger.close()


def test_an_end_that_is_foreseen_is_met_between_two_jobs(story: Story) -> None:
    """A WebUI that grows and grows is restarted before it is over its hard limit."""
    webui = story.world.programs["webui"]
    webui.memory_bytes = SOFT_BYTES - (1 << 29)
    story.world.give_job()
    while story.state("handler") == "RUNNING":
        assert (webui.memory_bytes or 0) < 3 * GIB
        webui.memory_bytes = (webui.memory_bytes or 0) + (2 << 20)
        story.run(0.5)
    story.world.jobs.clear()
    story.world.die("handler", code=0)
    story.run(1)
    assert story.world.deeds[-1] == ("take_down", "webui")
    assert deeds(story) == ["restart"]
    assert "nothing left in" in story.ledger.incidents()[0].actions[0].outcome


def test_a_blind_watchdog_convicts_nobody(story: Story) -> None:
    """Memory that cannot be read is no memory used."""
    story.world.programs["webui"].memory_bytes = None
    story.world.programs["handler"].memory_bytes = None
    story.run(60)
    assert story.world.deeds == []
    assert story.ledger.incidents() == []


def test_a_blind_watchdog_pardons_nobody(story: Story) -> None:
    """What was soft when it was last seen stays so until it is seen again."""
    story.world.programs["webui"].memory_bytes = SOFT_BYTES
    story.run(20)
    story.world.programs["webui"].memory_bytes = None
    story.run(20)
    assert len(story.ledger.incidents(only_open=True)) == 1
    story.world.programs["webui"].memory_bytes = 1000
    story.run(1)
    assert story.ledger.incidents(only_open=True) == []
