"""The ledger of incidents and episodes."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pytest

from podkeeper.errors import LedgerError
from podkeeper.model.incident import Action, Episode, Incident
from podkeeper.recorders.ledger import Ledger
from podkeeper.recorders.ledger_reader import LedgerReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INCIDENT = Incident(
    id=0,
    run_id="run",
    program="webui",
    cause="signal",
    sentence="killed by SIGKILL",
    opened_at_s=100.0,
    closed_at_s=None,
    recovery_s=None,
    pid=7,
    evidence={"program_memory_bytes": 5, "oom_kills_before": None},
    actions=[],
)
EPISODE = Episode(
    run_id="run",
    program="webui",
    pid=7,
    started_at_s=None,
    ended_at_s=100.0,
    exit_code=None,
    signal=9,
    peak_rss_bytes=12,
    cause="signal",
)


def opened(path: Path, max_bytes: int = 1 << 30) -> Ledger:
    """Return a ledger at a path."""
    return Ledger(path, busy_timeout_s=5, max_bytes=max_bytes)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Give a new ledger."""
    made = opened(tmp_path / "ledger.sqlite3")
    yield made
    made.close()


def test_an_incident_comes_back_as_it_was_written(ledger: Ledger) -> None:
    """Unknown readings stay None, actions keep their order, and closing is seen."""
    number = ledger.open_incident(INCIDENT)
    done = [Action(at_s=101.0, deed="start", outcome="started")]
    changed = msgspec.structs.replace(INCIDENT, id=number, actions=done, closed_at_s=102.0)
    ledger.update_incident(changed)
    assert ledger.incident(number) == changed
    assert ledger.incidents(only_open=True) == []
    assert ledger.incident(number + 1) is None


def test_an_episode_comes_back_as_it_was_written(ledger: Ledger) -> None:
    """A life whose start was not seen has no start."""
    ledger.add_episode(EPISODE)
    assert ledger.episodes() == [EPISODE]


def test_the_ledger_outlives_its_writer(tmp_path: Path) -> None:
    """What was written is there for the next process, and numbers go on rising."""
    first = opened(tmp_path / "l")
    number = first.open_incident(INCIDENT)
    first.remember("run", "key", {"a": 1})
    first.close()
    second = opened(tmp_path / "l")
    assert [each.id for each in second.incidents()] == [number]
    assert second.recall("run", "key", dict) == {"a": 1}
    assert second.recall("other run", "key", dict) is None
    assert second.open_incident(INCIDENT) == number + 1
    second.close()


@pytest.mark.parametrize("content", [b"this is no database", b"SQLite format 3\0" + b"x" * 5000])
def test_an_unusable_ledger_is_set_aside_and_kept(tmp_path: Path, content: bytes) -> None:
    """A broken file is never a reason not to start, and never thrown away."""
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(content)
    ledger = opened(path)
    assert ledger.set_aside is not None
    assert ledger.set_aside.read_bytes() == content
    assert ledger.open_incident(INCIDENT) == 1
    ledger.close()


def test_nobody_else_can_read_the_ledger(tmp_path: Path) -> None:
    """Neither what programs wrote last nor what was done about it is for other users."""
    made = opened(tmp_path / "ledger.sqlite3")
    made.open_incident(INCIDENT)
    assert {each.stat().st_mode & 0o077 for each in tmp_path.iterdir()} == {0}
    made.close()


def test_a_folder_that_is_not_there_is_an_error_with_its_path(tmp_path: Path) -> None:
    """A ledger that can neither be opened nor set aside says where it should have been."""
    with pytest.raises(LedgerError, match="missing"):
        opened(tmp_path / "missing" / "ledger.sqlite3")


def test_the_oldest_closed_rows_go_when_the_ledger_is_over_its_bound(tmp_path: Path) -> None:
    """Open incidents and this start's memory stay whatever their age."""
    ledger = opened(tmp_path / "l", max_bytes=1)
    still_open = ledger.open_incident(INCIDENT)
    for _ in range(30):
        ledger.open_incident(msgspec.structs.replace(INCIDENT, closed_at_s=101.0))
        ledger.add_episode(EPISODE)
    ledger.remember("former run", "key", 1)
    ledger.remember("run", "key", 1)
    assert ledger.keep_within_bound("run") > 0
    numbers = [each.id for each in ledger.incidents()]
    assert still_open in numbers
    assert max(numbers) == 31
    assert 0 < len(ledger.episodes()) < 30
    assert ledger.recall("run", "key", int) == 1
    assert ledger.recall("former run", "key", int) is None
    ledger.close()


def test_a_reader_never_changes_the_file(tmp_path: Path) -> None:
    """A command that only looks cannot make, migrate or set aside a ledger."""
    with pytest.raises(LedgerError):
        LedgerReader(tmp_path / "none").incidents()
    assert not (tmp_path / "none").exists()
    opened(tmp_path / "l").close()
    reader = LedgerReader(tmp_path / "l")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM incident")
    reader.close()


def test_a_reader_sees_what_a_writer_adds_meanwhile(ledger: Ledger) -> None:
    """`incidents` works while the keeper writes."""
    reader = LedgerReader(ledger.path)
    ledger.open_incident(INCIDENT)
    assert len(reader.incidents()) == 1
    reader.close()
