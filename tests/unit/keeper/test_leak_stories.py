"""Stories of WebUIs that keep memory after their jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_world import Story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20
#: Rules that need few jobs; the soft limit of the simulator is 2 GiB.
RULES = (
    "leak.skip_jobs=2",
    "leak.block_jobs=1",
    "leak.least_blocks=5",
    "leak.growth_bytes=8MiB",
    "leak.evaluations=2",
    "leak.recycle_jobs=10",
)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up, and that judges leaks by few jobs."""
    told = Story(tmp_path, *RULES)
    told.run(2)
    del told.world.deeds[:]
    yield told
    told.ledger.close()


def job(story: Story, grown_bytes: int) -> None:
    """Let a job come and go, after which the WebUI holds more than before."""
    webui = story.world.programs["webui"]
    story.world.give_job()
    story.run(1)
    webui.memory_bytes = (webui.memory_bytes or 0) + grown_bytes
    story.world.jobs.clear()
    story.run(1)


def test_a_webui_that_keeps_memory_after_each_job_is_an_incident(story: Story) -> None:
    """It says how much, and for how many jobs that is enough; nothing is done yet."""
    for _ in range(12):
        job(story, 10 * MIB)
    (incident,) = story.ledger.incidents()
    assert (incident.program, incident.cause) == ("webui", "leak")
    assert "10MiB more RAM after each job" in incident.sentence
    assert "more jobs" in incident.sentence
    assert story.world.deeds == []


def test_before_a_leak_has_used_up_the_limit_the_webui_is_restarted(story: Story) -> None:
    """Between two jobs, and below the soft limit; the incident is over with the old life."""
    story.world.programs["webui"].memory_bytes = 1900 * MIB
    while not story.world.deeds:
        job(story, 10 * MIB)
        assert (story.world.programs["webui"].memory_bytes or 0) < 2048 * MIB
    assert story.world.deeds[0] == ("take_down", "handler")
    story.world.die("handler", code=0)
    story.run(1)
    assert story.world.deeds[-1] == ("take_down", "webui")
    story.world.die("webui", code=0)
    story.run(3)
    assert story.state("handler") == "RUNNING"
    assert [each.cause for each in story.ledger.incidents()] == ["leak"]
    assert story.ledger.incidents(only_open=True) == []


def test_a_webui_that_gives_everything_back_is_left_alone(story: Story) -> None:
    """Memory that comes and goes with jobs is no leak."""
    for number in range(40):
        job(story, 50 * MIB if number % 2 else -50 * MIB)
    assert story.ledger.incidents() == []


def test_a_keeper_that_comes_anew_goes_on_counting(story: Story) -> None:
    """What was seen of the jobs before outlives it."""
    for _ in range(4):
        job(story, 10 * MIB)
    story.new_keeper()
    for _ in range(8):
        job(story, 10 * MIB)
    assert [each.cause for each in story.ledger.incidents()] == ["leak"]


def test_another_life_starts_anew(story: Story) -> None:
    """What the last one kept is gone with it."""
    for _ in range(6):
        job(story, 10 * MIB)
    story.world.die("webui", code=1)
    story.run(2)
    for _ in range(5):
        job(story, 10 * MIB)
    assert "leak" not in {each.cause for each in story.ledger.incidents()}
