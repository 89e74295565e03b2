"""Who has a job in hand, and who has had one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fake_world import Story

from podkeeper.loops import handiwork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Give a worker that has come up and had no job."""
    told = Story(tmp_path)
    told.run(2)
    yield told
    told.ledger.close()


def has_worked(story: Story) -> bool:
    """Return whether the WebUI that runs has had a job."""
    return handiwork.has_worked(story.world.look(), story.plan.program("webui"))


def test_a_job_counts_for_the_life_that_had_it(story: Story) -> None:
    """It counts when it is over, too, and for no later life."""
    assert not has_worked(story)
    story.world.give_job()
    assert has_worked(story)
    story.world.handler_writes = False
    story.world.now_s += 5
    assert has_worked(story)
    story.world.jobs.clear()
    story.world.die("webui", code=1)
    story.run(3)
    assert story.state("webui") == "RUNNING"
    assert not has_worked(story)


def test_what_no_handler_tells_is_no_work(story: Story) -> None:
    """Without the file nobody is known to have worked."""
    story.world.handler_writes = False
    story.world.last_work = None
    assert not has_worked(story)
