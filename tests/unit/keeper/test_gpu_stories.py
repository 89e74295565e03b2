"""Stories of what befalls a GPU, and what becomes of the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_world import Story
from msgspec.structs import replace

from podkeeper.model.gpu import Gpu

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GIB = 1 << 30
CARD = Gpu(
    index=0,
    name="A GPU",
    memory_capacity_bytes=24 * GIB,
    memory_used_bytes=8 * GIB,
    utilization_ratio=0.5,
    temperature_celsius=60.0,
    power_watts=200.0,
    uuid="GPU-1",
    lost=False,
    slowdown_celsius=90.0,
)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker with a GPU that has come up, with nothing to be remembered of how."""
    told = Story(tmp_path)
    told.world.gpus = [CARD]
    told.run(2)
    del told.world.deeds[:]
    yield told
    told.ledger.close()


def change(story: Story, **changes: object) -> None:
    """Let the card tell something else from now on."""
    story.world.gpus = [replace(CARD, **changes)]


def test_an_error_of_the_application_ends_in_another_webui(story: Story) -> None:
    """Its CUDA context is lost: it is killed, and its job runs again."""
    story.world.report(31)
    story.run(1)
    assert story.world.deeds == [("kill", "webui")]
    change(story, memory_used_bytes=0)
    story.run(5)
    assert story.world.deeds == [("kill", "webui"), ("start", "webui")]
    (incident,) = story.ledger.incidents()
    assert (incident.program, incident.cause) == ("webui", "gpu_xid")
    assert "XID 31" in incident.sentence
    assert incident.closed_at_s is not None


def test_an_error_from_before_a_webui_was_started_is_not_held_against_it(story: Story) -> None:
    """The one that met it is gone already."""
    story.world.report(31)
    story.world.die("webui", code=1)
    story.world.now_s += 1
    change(story, memory_used_bytes=0)
    story.run(30)
    assert ("kill", "webui") not in story.world.deeds


def test_an_error_that_only_a_reset_mends_replaces_the_worker(story: Story) -> None:
    """Jobs in hand end, and the platform is made to give another worker."""
    story.world.report(79)
    story.run(2)
    assert story.world.deeds == [("refresh", "70")]
    assert story.ledger.incidents()[0].cause == "gpu_xid"


def test_a_worker_that_is_to_be_held_is_not_replaced(tmp_path: Path) -> None:
    """Somebody wants to look at it."""
    story = Story(tmp_path, "restart.escalation=hold")
    story.world.gpus = [CARD]
    story.run(2)
    story.world.report(79)
    story.run(2)
    assert ("refresh", "70") not in story.world.deeds
    assert "hold" in story.ledger.incidents()[0].actions[0].outcome
    story.ledger.close()


def test_an_error_of_no_consequence_is_noted_and_over(story: Story) -> None:
    """Nothing is done, and nothing stays open."""
    story.world.report(63)
    story.run(5)
    assert story.world.deeds == []
    (incident,) = story.ledger.incidents()
    assert incident.closed_at_s is not None


def test_a_keeper_that_comes_anew_judges_no_error_twice(story: Story) -> None:
    """What was made of reported errors outlives it."""
    story.world.report(31)
    story.run(5)
    change(story, memory_used_bytes=1)
    story.run(1)
    change(story)
    story.new_keeper()
    story.run(5)
    assert [each.cause for each in story.ledger.incidents()] == ["gpu_xid"]


def test_a_hot_gpu_is_an_incident_until_it_has_cooled_off(story: Story) -> None:
    """It slows itself down; nothing of ours would cool it."""
    change(story, temperature_celsius=89.0)
    story.run(60)
    (incident,) = story.ledger.incidents(only_open=True)
    assert incident.cause == "gpu_hot"
    assert story.world.deeds == []
    change(story)
    story.run(2)
    assert story.ledger.incidents(only_open=True) == []


def test_a_webui_waits_for_the_memory_of_its_last_life(story: Story) -> None:
    """Started sooner it would not find room for its model."""
    story.world.die("webui", code=1)
    story.run(10)
    assert story.state("webui") == "EXITED"
    change(story, memory_used_bytes=GIB // 4)
    story.run(1)
    assert story.state("webui") == "RUNNING"


def test_memory_that_never_comes_back_replaces_the_worker(story: Story) -> None:
    """Nobody in the container can free it, and the next WebUI would be short of it for ever."""
    story.world.die("webui", code=1)
    story.run(story.plan.settings.gpu.vram_wait_s + 2)
    assert ("refresh", "70") in story.world.deeds
    assert "vram_orphan" in {each.cause for each in story.ledger.incidents()}


def test_a_gpu_nobody_can_read_holds_nobody_up(story: Story) -> None:
    """Unknown is no reason to wait."""
    change(story, memory_used_bytes=None)
    story.run(1)
    story.world.die("webui", code=1)
    story.run(1)
    assert story.state("webui") == "RUNNING"


def test_a_full_card_is_relieved_between_jobs_only(story: Story) -> None:
    """A job that fills it is what it is there for."""
    story.giver.able = {"vram of 0"}
    change(story, memory_used_bytes=24 * GIB - 1)
    story.world.give_job()
    story.run(60)
    assert story.giver.begun == []
    story.world.jobs.clear()
    story.run(2)
    assert [str(each) for each in story.giver.begun] == ["vram of 0"]


def test_a_reading_from_before_the_death_says_nothing(story: Story) -> None:
    """The memory was in use then; the next snapshot tells whether it is back."""
    story.world.watchdog_alive = False
    change(story, memory_used_bytes=0)
    story.world.die("webui", code=1)
    story.run(1)
    assert story.state("webui") == "EXITED"
    story.world.watchdog_alive = True
    story.run(1)
    assert story.state("webui") == "RUNNING"


def test_a_watchdog_that_is_gone_holds_no_webui_up_for_ever(story: Story) -> None:
    """Nobody can say whether the memory is back; the worker is to work all the same."""
    story.world.watchdog_alive = False
    story.world.die("webui", code=1)
    story.run(story.plan.settings.keeper.watchdog_silence_s + 1)
    assert story.state("webui") == "RUNNING"
