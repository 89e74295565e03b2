"""Which jobs a worker has to bring to an end, also after a kill."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest
from journal_standins import Clock, job, journal_in

from handler.posted import posted
from podkeeper.model.journal import State
from podkeeper.policy.journal import Duty, Grant
from podkeeper.recorders.journal_reader import JournalReader

if TYPE_CHECKING:
    from pathlib import Path

    from handler.journal import Journal
    from podkeeper.model.journal import Entry

MADE = posted({"images": ["x"]})


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands."""
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Journal:
    """Return an empty journal."""
    return journal_in(tmp_path, clock)


def of(journal: Journal, name: str = "a") -> Entry:
    """Return a job's entry, which is there."""
    entry = journal.get(name)
    assert entry is not None
    return entry


def test_a_job_is_kept_before_anybody_works_on_it(tmp_path: Path, journal: Journal) -> None:
    """What was granted is in the file, with its input and the seed of all its attempts."""
    assert journal.grant("a", job("a")) is Grant.RUN
    reader = JournalReader(tmp_path / "journal.sqlite3")
    assert reader.entries() == [of(journal)]
    assert reader.job("a") == job("a")
    assert of(journal).seed
    reader.close()


def test_a_killed_handlers_job_is_taken_up_with_the_same_seed(
    tmp_path: Path, clock: Clock, journal: Journal
) -> None:
    """The next handler has the input, knows of the attempt, and counts the death."""
    journal.grant("a", job("a"))
    journal.begin("a")
    journal.note("a", phase="sampling", webui="webui", webui_deaths=1)
    clock.s += 3
    after = journal_in(tmp_path, clock)
    assert after.accepted() == ["a"]
    assert after.job("a") == job("a")
    assert after.found_running
    entry = of(after)
    assert (entry.seed, entry.attempts) == (of(journal).seed, 1)
    assert (entry.webui_deaths, entry.handler_deaths) == (1, 1)


def test_a_result_survives_a_kill_at_any_moment(
    tmp_path: Path, clock: Clock, journal: Journal
) -> None:
    """Also one whose file is there and whose entry does not say so yet."""
    for name in ("a", "b"):
        journal.grant(name, job(name))
        journal.begin(name)
    journal.finish("a", MADE, None)
    assert journal.spool is not None
    journal.spool.put("b", MADE)
    after = journal_in(tmp_path, clock)
    assert after.undelivered() == ["a", "b"]
    for name in ("a", "b"):
        path = after.result(name)
        assert path == tmp_path / "results" / f"{name}.json"
        assert not after.in_memory(name)


def test_a_job_that_killed_two_handlers_is_not_begun(tmp_path: Path, clock: Clock) -> None:
    """It stands there to be failed by name."""
    for _ in range(2):
        journal = journal_in(tmp_path, clock)
        journal.grant("a", job("a"))
        journal.begin("a")
    after = journal_in(tmp_path, clock)
    assert after.accepted() == []
    assert after.failing == {"a": Duty.FAIL_POISON}


def test_a_job_interrupted_long_ago_waits_for_another_grant(
    tmp_path: Path, clock: Clock, journal: Journal
) -> None:
    """Another worker has it by then; granted again, it has the same seed."""
    journal.grant("a", job("a"))
    clock.s += 400
    after = journal_in(tmp_path, clock)
    assert after.accepted() == []
    assert of(after).state is State.RELEASED
    assert after.grant("a", job("a")) is Grant.RUN
    assert of(after).seed == of(journal).seed
    # And if nobody grants it, it goes.
    third = journal_in(tmp_path, clock)
    third.close("a", State.RELEASED, "")
    clock.s += 3600
    third.beat()
    assert of(third).state is State.EXPIRED


def test_another_worker_does_not_run_what_this_one_was_granted(
    tmp_path: Path, clock: Clock, journal: Journal
) -> None:
    """A folder that has come to another worker brings its results, not its jobs."""
    journal.grant("a", job("a"))
    journal.grant("b", job("b"))
    journal.finish("b", MADE, None)
    after = journal_in(tmp_path, clock, pod="other")
    assert (after.accepted(), after.undelivered()) == ([], ["b"])


def test_a_delivered_result_answers_another_grant(journal: Journal) -> None:
    """Without work, as long as it is kept; a failed job is run again."""
    for name, code in (("a", None), ("b", "WEBUI_FAILED")):
        journal.grant(name, job(name))
        journal.finish(name, MADE, code)
        assert journal.delivered(name, 1)
    assert journal.grant("a", job("a")) is Grant.ANSWER
    assert journal.result("a") is not None
    assert journal.grant("b", job("b")) is Grant.RUN


def test_an_answer_is_not_kept_for_ever(clock: Clock, journal: Journal) -> None:
    """After its time the job would run again."""
    journal.grant("a", job("a"))
    journal.finish("a", MADE, None)
    journal.delivered("a", 1)
    clock.s += 601
    journal.beat()
    assert journal.grant("a", job("a")) is Grant.RUN


def test_a_grant_during_a_delivery_calls_for_another_one(journal: Journal) -> None:
    """The platform may have thrown away what was on its way when it asked again."""
    journal.grant("a", job("a"))
    journal.finish("a", MADE, None)
    assert journal.grant("a", job("a")) is Grant.ANSWER
    assert not journal.delivered("a", 1)
    assert journal.delivered("a", 2)


def test_what_the_platform_has_stopped_gets_no_result(tmp_path: Path, journal: Journal) -> None:
    """A result that comes after the stop is dropped, and work on it is not begun again."""
    for name in ("a", "b"):
        journal.grant(name, job(name))
    journal.begin("a")
    assert journal.close("a", State.UNWANTED, "stopped")
    assert journal.close("b", State.UNWANTED, "stopped")
    assert not journal.finish("a", MADE, None)
    assert journal.begin("b") is None
    assert list((tmp_path / "results").iterdir()) == []
    assert not journal.close("a", State.UNWANTED, "again")


def test_work_that_ended_without_a_result_can_begin_again(journal: Journal) -> None:
    """A cancellation that is no stop of the platform's costs nothing."""
    journal.grant("a", job("a"))
    journal.begin("a")
    journal.put_back("a")
    assert journal.accepted() == ["a"]


def test_a_full_disk_costs_durability_and_no_job(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """All goes on in memory, is said once, and comes to the disk when there is room."""
    folder = tmp_path / "state"
    folder.write_text("in the way")
    journal = journal_in(folder, clock)
    for name in ("a", "b"):
        assert journal.grant(name, job(name)) is Grant.RUN
    assert journal.job("a") == job("a")
    assert journal.begin("a")
    assert journal.finish("a", MADE, None)
    assert (journal.result("a"), journal.in_memory("a")) == (MADE, True)
    assert "cannot open the journal" in journal.fault
    assert "cannot keep results" in journal.fault
    errors = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(errors) == 2
    folder.unlink()
    caplog.set_level(logging.INFO)
    journal.beat()
    journal.begin("b")
    journal.finish("b", MADE, None)
    assert journal.fault == ""
    assert "are kept again" in caplog.text
    after = journal_in(folder, clock)
    assert after.undelivered() == ["b"]
    assert after.accepted() == ["a"]


def test_a_broken_journal_is_set_aside_and_its_results_are_saved(
    tmp_path: Path, clock: Clock, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """Results say by their file whose they are."""
    journal.grant("a", job("a"))
    journal.finish("a", MADE, None)
    journal.end()
    (tmp_path / "journal.sqlite3").write_bytes(b"nothing that can be read" * 50)
    after = journal_in(tmp_path, clock)
    assert after.undelivered() == ["a"]
    assert "it is set aside as" in caplog.text
    assert (tmp_path / "journal.unusable").is_file()


def test_a_journal_that_breaks_while_it_is_used_is_begun_anew(
    tmp_path: Path, journal: Journal
) -> None:
    """All that is known is written into the new one."""
    journal.grant("a", job("a"))
    with sqlite3.connect(tmp_path / "journal.sqlite3") as raw:
        raw.execute("DROP TABLE entry")
    raw.close()
    journal.begin("a")
    journal.note("a", phase="sampling")
    reader = JournalReader(tmp_path / "journal.sqlite3")
    assert reader.entries() == [of(journal)]
    assert journal.fault == ""
    reader.close()


def test_old_jobs_are_forgotten(tmp_path: Path, clock: Clock) -> None:
    """Only so many that have ended are kept, and none that is open goes."""
    journal = journal_in(tmp_path, clock, history_jobs=2)
    for index in range(5):
        clock.s += 1
        journal.grant(f"{index}", job(f"{index}"))
        if index:
            journal.close(f"{index}", State.UNWANTED, "")
    journal.beat()
    reader = JournalReader(tmp_path / "journal.sqlite3")
    assert {each.id for each in reader.entries()} == {"0", "3", "4"}
    reader.close()


def test_whoever_names_the_jobs_hears_of_each_that_comes_or_goes(journal: Journal) -> None:
    """And of nothing in between."""
    told: list[list[str]] = []
    journal.on_change = lambda: told.append(journal.open_names())
    journal.grant("a", job("a"))
    journal.begin("a")
    journal.finish("a", MADE, None)
    journal.delivered("a", 1)
    assert told == [["a"], []]
