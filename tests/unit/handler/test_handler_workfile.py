"""Which jobs are in hand, in a file."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from handler.progress import Phase, Reading
from handler.workfile import WorkFile
from podkeeper.model import work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE_S = 30.0


class Clock:
    """A clock that is stepped."""

    now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> WorkFile:
    """Return an empty work file that is written at changes only."""
    made = WorkFile(tmp_path / "work.json", "run", PATIENCE_S, clock)
    made.clear()
    return made


def read(file: WorkFile) -> work.Work:
    """Return what stands in the file."""
    known = work.read(file._path)
    assert known is not None
    return known


async def until(condition: Callable[[], object]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - it is a file that changes
            await asyncio.sleep(0.005)


def test_an_idle_handler_has_nothing_in_hand(file: WorkFile) -> None:
    """At its start the file says who wrote it, and that there is no job."""
    known = read(file)
    assert (known.run_id, known.handler_pid, known.jobs) == ("run", os.getpid(), [])


def test_a_job_is_followed_from_its_grant_to_its_delivery(file: WorkFile, clock: Clock) -> None:
    """Each change is in the file at once, with when it was; what does not change moves nothing."""
    undelivered = {"job-1"}

    async def story() -> None:
        job = file.grant("job-1")
        (first,) = read(file).jobs
        assert (first.id, first.phase, first.webui) == ("job-1", "waiting", None)
        clock.now_s = 101.0
        job.at("webui")
        job.tell(Reading(Phase.sampling, 0.25))
        clock.now_s = 102.0
        job.tell(Reading(Phase.sampling, 0.25, eta_s=3.0))
        (second,) = read(file).jobs
        assert (second.phase, second.progress_ratio, second.webui) == ("sampling", 0.25, "webui")
        assert (second.granted_monotonic_s, second.moved_monotonic_s) == (100.0, 101.0)
        job.deliver(lambda: undelivered)
        (third,) = read(file).jobs
        assert (third.phase, third.webui, third.moved_monotonic_s) == ("delivering", None, 102.0)
        undelivered.clear()
        await until(lambda: not read(file).jobs)

    asyncio.run(story())


def test_a_job_that_starts_again_has_moved(file: WorkFile, clock: Clock) -> None:
    """A second attempt's falling progress is movement, although no client is told of it."""

    async def story() -> None:
        job = file.grant("job-1")
        job.at("webui")
        job.tell(Reading(Phase.sampling, 0.9))
        clock.now_s = 120.0
        job.at(None)
        job.at("webui")
        assert read(file).jobs[0].moved_monotonic_s == 120.0

    asyncio.run(story())


def test_who_has_worked_is_told_after_the_job(file: WorkFile, clock: Clock) -> None:
    """Each WebUI stands there with when it last had a job, as long as the handler lives."""

    async def story() -> None:
        job = file.grant("job-1")
        assert read(file).last_at_s == {}
        job.at("webui-1")
        clock.now_s = 103.0
        job.tell(Reading(Phase.sampling, 0.5))
        clock.now_s = 104.0
        job.at(None)
        file.drop("job-1")
        assert read(file).last_at_s == {"webui-1": 103.0}

    asyncio.run(story())


def test_a_handler_at_work_gives_signs_of_life(tmp_path: Path, clock: Clock) -> None:
    """While a job is in hand the file is written again and again, and then no more."""

    async def story() -> None:
        file = WorkFile(tmp_path / "work.json", "run", 0.01, clock)
        job = file.grant("job-1")
        clock.now_s = 130.0
        await until(lambda: read(file).written_monotonic_s == 130.0)
        job.deliver(set)
        await until(lambda: not read(file).jobs)
        beat = file._beat
        assert beat is not None
        await asyncio.wait_for(beat, PATIENCE_S)

    asyncio.run(story())


def test_a_folder_that_takes_no_file_costs_no_job(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the job goes on."""

    async def story() -> None:
        file = WorkFile(tmp_path / "missing" / "work.json", "run", PATIENCE_S, clock)
        job = file.grant("job-1")
        job.at("webui")
        job.deliver(set)
        await until(lambda: not file._jobs)

    asyncio.run(story())
    assert caplog.text.count("cannot write which jobs are in hand") == 1
