"""Twenty jobs with a fault at some step of each; `make durability` does any number."""

from __future__ import annotations

from typing import Any

import pytest
from durability_campaign import run
from durability_judge import judge
from durability_scenes import SCENES, draw

#: One for each step of a job's way, in an order in which each can be the next one's trouble.
SHORT = (
    "kill before the journal",
    "kill mid-job",
    "granted twice",
    "webui dies twice",
    "kill twice",
    "term at once",
    "kill spooled",
    "platform is down",
    "kill delivering",
    "too large",
    "kill delivered",
    "answer lost",
    "break the journal",
    "platform hangs",
    "full disk",
    "cancelled",
    "term delivering",
    "frozen",
    "term mid-job",
    "timed out",
)


@pytest.mark.timeout(900)
def test_every_job_ends_once_whatever_befalls_it() -> None:
    """Killed, frozen, stopped, refused or out of disk: one end, one result, one seed."""
    told: list[str] = []
    complaints, summary = run(SHORT, late=False, say=told.append)
    assert not complaints, "\n".join([*told, *complaints, summary])


def story(*kinds: str, status: str = "COMPLETED", error: str | None = None) -> dict[str, Any]:
    """Return what the platform would tell of a job."""
    return {
        "id": "job",
        "status": status,
        "error": error,
        "events": [{"kind": each} for each in ("submitted", "granted", *kinds)],
    }


@pytest.mark.parametrize(
    ("told", "ends", "seeds", "said"),
    [
        (story("done"), "COMPLETED", [7, 7], ""),
        (story("done", status="FAILED", error="POISON_JOB: x"), "POISON_JOB", [7], ""),
        (story(), "COMPLETED", [], "not ended exactly once"),
        (story("done", "done"), "COMPLETED", [7], "not ended exactly once"),
        (story("done", "duplicate"), "COMPLETED", [7], "delivered twice"),
        (story("requeued", "granted", "done", "duplicate"), "COMPLETED", [7], ""),
        (story("done", status="FAILED", error="X: y"), "COMPLETED", [7], "ended as FAILED X: y"),
        (story("done"), "COMPLETED", [7, 8], "different seeds: [7, 8]"),
    ],
)
def test_the_judge_sees_what_is_wrong(
    told: dict[str, Any], ends: str, seeds: list[int], said: str
) -> None:
    """A job that is lost, doubled, misreported or made anew with another seed is complained of."""
    found = judge(told, ends, seeds, unanswered=False)
    assert len(found) == (1 if said else 0)
    assert said in "".join(found)


def test_an_answer_that_was_lost_excuses_a_second_delivery() -> None:
    """Nobody can know whether the first one has arrived."""
    assert judge(story("done", "duplicate"), "COMPLETED", [7], unanswered=True) == []


def test_a_plan_comes_from_its_seed_alone_and_has_every_scene() -> None:
    """A failing campaign can be done again."""
    assert draw(3, 100) == draw(3, 100) != draw(4, 100)
    assert set(draw(3, 100)) == set(SCENES)
    assert len(draw(3, 5)) == 5
