"""Stories of operators' orders, in a world made of values."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from fake_world import Story

from podkeeper.model import change
from podkeeper.model.change import Change
from podkeeper.policy.orders import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up and has done nothing yet."""
    told = Story(tmp_path)
    told.run(2)
    told.world.deeds.clear()
    yield told
    told.ledger.close()


def causes(story: Story) -> list[tuple[str, str]]:
    """Return whose lives ended why, oldest first."""
    return [(each.program, each.cause) for each in reversed(story.ledger.episodes())]


def deeds(story: Story) -> list[tuple[str, str]]:
    """Return what was done, less the clearing up after each end."""
    return [each for each in story.world.deeds if each[0] != "clear"]


def drain(story: Story) -> None:
    """Drain the worker to the end."""
    story.world.order("drain")
    story.run(1)
    story.world.die("handler", code=0)
    story.run(1)


def ready(folder: Path, **lists: list[str] | bool) -> None:
    """Let a new configuration lie ready."""
    (folder / change.NEXT).mkdir(exist_ok=True)
    (folder / change.NEXT / change.FILE_NAME).write_bytes(
        change.dump(Change(**lists))  # type: ignore[arg-type]
    )


def test_a_drain_stops_the_handler_and_holds_it_stopped(story: Story) -> None:
    """The job in hand is finished, no other is taken, and nobody calls it an incident."""
    story.world.order("drain")
    story.run(20)
    assert story.state("handler") == "STOPPING"
    assert deeds(story) == [("take_down", "handler")]
    story.world.die("handler", code=0)
    story.run(60)
    assert story.state("handler") == "STOPPED"
    assert story.ledger.incidents() == []
    assert causes(story) == [("handler", "requested")]


def test_resume_starts_the_handler_once_a_webui_is_ready(story: Story) -> None:
    """What was drained takes jobs again, and its restart budget is as it was."""
    drain(story)
    story.world.programs["webui"].ready_after_s = 1000
    story.world.order("resume")
    story.run(5)
    assert story.state("handler") == "STOPPED"
    story.world.programs["webui"].ready_after_s = 0
    story.run(1)
    assert story.state("handler") == "RUNNING"
    assert story.keeper._records["handler"].history.restarted_at_s == ()


def test_a_keeper_killed_while_drained_keeps_it_drained(story: Story) -> None:
    """What is wanted stands in the ledger, not in the keeper."""
    drain(story)
    story.new_keeper()
    story.run(30)
    assert story.state("handler") == "STOPPED"
    story.world.order("resume")
    story.new_keeper()
    story.run(1)
    assert story.state("handler") == "RUNNING"


def test_a_keeper_killed_between_order_and_death_goes_on(story: Story) -> None:
    """The next keeper knows that the handler was asked to stop, and why."""
    story.world.order("drain")
    story.keeper.look()
    story.new_keeper()
    story.world.die("handler", code=0)
    story.run(5)
    assert story.state("handler") == "STOPPED"
    assert story.ledger.incidents() == []


def test_a_resume_while_the_handler_still_drains_brings_it_back(story: Story) -> None:
    """The stop cannot be taken back, so the handler starts anew once it has ended."""
    story.world.order("drain")
    story.run(1)
    story.world.order("resume")
    story.run(1)
    assert story.state("handler") == "STOPPING"
    story.world.die("handler", code=0)
    story.run(1)
    assert story.state("handler") == "RUNNING"


def test_a_worker_drained_before_its_first_handler_starts_none(tmp_path: Path) -> None:
    """A drain holds whatever the handler's state is."""
    story = Story(tmp_path)
    story.world.order("drain")
    story.run(5)
    assert story.state("handler") == "STOPPED"
    assert causes(story) == []
    story.world.order("resume")
    story.run(1)
    assert story.state("handler") == "RUNNING"
    story.ledger.close()


def test_a_webui_that_dies_while_drained_is_restarted_as_always(story: Story) -> None:
    """Drained means no jobs, not no care."""
    drain(story)
    story.world.die("webui", number=signal.SIGKILL)
    story.run(2)
    assert story.state("webui") == "RUNNING"
    assert story.state("handler") == "STOPPED"
    assert [each.cause for each in story.ledger.incidents()] == ["signal"]


def test_a_handler_started_by_hand_while_drained_is_stopped_again(story: Story) -> None:
    """What is wanted is compared with what is, whoever made the difference."""
    drain(story)
    story.world.start("handler")
    story.run(1)
    assert story.state("handler") == "STOPPING"


def test_a_restart_is_no_incident_and_costs_no_budget(story: Story) -> None:
    """An operator's restart stops the program, starts it at once, and is on record as asked for."""
    story.world.order("restart", "webui")
    story.run(1)
    story.world.die("webui", code=0)
    story.run(1)
    assert story.state("webui") == "RUNNING"
    assert deeds(story) == [("take_down", "webui"), ("start", "webui")]
    assert story.ledger.incidents() == []
    assert causes(story) == [("webui", "requested")]
    assert story.keeper._records["webui"].history.restarted_at_s == ()


def test_a_restart_when_idle_waits_for_the_job(story: Story) -> None:
    """The handler drains first, the WebUI is restarted, the handler comes back last."""
    story.world.order("restart_when_idle", "webui")
    story.run(30)
    assert story.state("webui") == "RUNNING"
    assert deeds(story) == [("take_down", "handler")]
    story.world.die("handler", code=0)
    story.run(1)
    assert story.state("webui") == "STOPPING"
    story.new_keeper()
    story.world.die("webui", code=0)
    story.run(2)
    assert (story.state("webui"), story.state("handler")) == ("RUNNING", "RUNNING")
    expected = [("take_down", "handler"), ("take_down", "webui"), ("start", "webui")]
    assert deeds(story) == [*expected, ("start", "handler")]
    assert story.ledger.incidents() == []


def test_a_restart_when_idle_of_a_drained_worker_leaves_it_drained(story: Story) -> None:
    """Two wishes hold the handler, and each lets go of its own hold only."""
    drain(story)
    story.world.order("restart_when_idle", "webui")
    story.run(1)
    story.world.die("webui", code=0)
    story.run(5)
    assert (story.state("webui"), story.state("handler")) == ("RUNNING", "STOPPED")


def test_a_restart_forgives_a_program_that_was_given_up(tmp_path: Path) -> None:
    """An operator who has mended the cause needs one command."""
    story = Story(tmp_path, "restart.budget=1", "restart.escalation=hold")
    story.run(2)
    for _ in range(3):
        if story.world.programs["webui"].pid:
            story.world.die("webui", code=1)
        story.run(5)
    assert story.state("webui") == "EXITED"
    story.world.order("restart", "webui")
    story.run(2)
    assert story.state("webui") == "RUNNING"
    story.ledger.close()


def test_the_watchdog_is_restarted_on_request(story: Story) -> None:
    """Supervisord does not start what it was asked to stop, so the keeper does."""
    story.world.order("restart", "watchdog")
    story.run(1)
    story.world.die("watchdog", code=0)
    story.run(1)
    assert story.state("watchdog") == "RUNNING"
    assert story.ledger.incidents() == []


def test_the_keeper_ends_itself_to_be_started_anew(story: Story) -> None:
    """It leaves once, and its own end is no incident."""
    story.world.order("restart", "keeper")
    story.keeper.look()
    assert story.keeper.leaving
    story.world.die("keeper", code=0)
    story.new_keeper()
    story.run(2)
    assert not story.keeper.leaving
    assert story.ledger.incidents() == []
    assert causes(story) == [("keeper", "requested")]


def test_an_order_for_nobody_changes_nothing(story: Story) -> None:
    """A name that is not there is said in the log and forgotten."""
    story.world.order("restart", "webuj")
    story.run(2)
    assert deeds(story) == []
    assert story.ledger.recall("run", "wanted", Wanted) in (None, Wanted())


def test_a_reload_replaces_only_what_changed_and_no_job_is_cut(
    story: Story, tmp_path: Path
) -> None:
    """Nothing is put into place under a job; then the WebUI is replaced and the handler returns."""
    ready(tmp_path, changed=["webui"], reread=["keeper"], disturbs=True)
    story.world.order("reload")
    story.run(30)
    assert deeds(story) == [("take_down", "handler")]
    story.world.die("handler", code=0)
    story.keeper.look()
    assert story.keeper.leaving
    assert deeds(story)[1:] == [("install", ""), ("take_down", "webui")]
    story.world.die("keeper", code=0)
    story.new_keeper()
    story.run(1)
    story.world.die("webui", code=0)
    story.run(3)
    assert deeds(story)[3:] == [("drop", "webui"), ("add", "webui"), ("start", "handler")]
    assert story.state("handler") == "RUNNING"
    assert story.ledger.incidents() == []


def test_a_reload_now_waits_for_nobody(story: Story, tmp_path: Path) -> None:
    """The operator has said so; the handler goes on and tries its job again."""
    ready(tmp_path, changed=["webui"], disturbs=True)
    story.world.order("reload_now")
    story.run(1)
    story.world.die("webui", code=0)
    story.run(2)
    assert ("take_down", "handler") not in deeds(story)
    assert deeds(story)[-2:] == [("drop", "webui"), ("add", "webui")]


def test_a_reload_of_the_handler_alone_holds_nobody_else(story: Story, tmp_path: Path) -> None:
    """The handler's own stop waits for its job; the new one starts when the gate is open."""
    ready(tmp_path, changed=["handler"])
    story.world.order("reload")
    story.run(1)
    assert deeds(story) == [("install", ""), ("take_down", "handler")]
    story.world.die("handler", code=0)
    story.run(2)
    assert deeds(story)[2:] == [("drop", "handler"), ("add", "handler"), ("start", "handler")]


def test_a_reload_without_anything_ready_changes_nothing(story: Story) -> None:
    """An order whose files are gone is said in the log and forgotten."""
    story.world.order("reload")
    story.run(3)
    assert deeds(story) == []
