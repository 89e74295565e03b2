"""The journal of jobs on the disk."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from podkeeper.errors import JournalError
from podkeeper.model.journal import Entry, State
from podkeeper.model.moment import Moment
from podkeeper.probes import moment
from podkeeper.recorders.journal import JournalFile
from podkeeper.recorders.journal_reader import JournalReader

if TYPE_CHECKING:
    from pathlib import Path

NOW = Moment(wall_s=100.0, boot_s=5.0, boot="boot")


def entry(name: str, state: State = State.ACCEPTED, changed: Moment = NOW) -> Entry:
    """Return a job."""
    return Entry(id=name, pod="pod", state=state, seed=2**62, granted=NOW, changed=changed)


def opened(path: Path) -> JournalFile:
    """Return the journal at a path."""
    return JournalFile(path, busy_timeout_s=1.0)


def test_what_is_saved_is_there_for_whoever_opens_it_next(tmp_path: Path) -> None:
    """Entries and inputs come back without the first one having been closed."""
    path = tmp_path / "new" / "journal.sqlite3"
    first = opened(path)
    first.save([entry("a"), entry("b")], {"a": b'{"id":"a"}'})
    first.beat(NOW)
    second = opened(path)
    assert {each.id: each for each in second.entries()} == {"a": entry("a"), "b": entry("b")}
    assert (second.job("a"), second.job("b")) == (b'{"id":"a"}', None)
    assert second.job_names() == {"a"}
    assert second.last_beat() == NOW
    reader = JournalReader(path)
    assert len(reader.entries()) == 2
    for each in (first, second, reader):
        each.close()


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """Prompts stand in it."""
    file = opened(tmp_path / "journal.sqlite3")
    file.save([entry("a")], {"a": b"{}"})
    assert {each.stat().st_mode & 0o077 for each in tmp_path.iterdir()} == {0}
    file.close()


def test_an_input_goes_with_the_end_of_its_job(tmp_path: Path) -> None:
    """A job that has ended keeps its entry only; a dropped one keeps nothing."""
    file = opened(tmp_path / "journal.sqlite3")
    file.save([entry("a"), entry("b")], {"a": b"1", "b": b"2"})
    file.save([entry("a", State.DELIVERED)], {}, ["b"])
    assert [each.id for each in file.entries()] == ["a"]
    assert file.job_names() == set()
    file.close()


@pytest.mark.parametrize(
    "damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\1" * 900]
)
def test_a_broken_one_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    """It is never a reason not to start."""
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(damage)
    file = opened(path)
    assert file.set_aside is not None
    assert file.set_aside.read_bytes() == damage
    assert file.entries() == []
    file.close()


def test_one_of_another_version_is_set_aside(tmp_path: Path) -> None:
    """Neither a strange format nor an entry that makes no sense is guessed at."""
    path = tmp_path / "journal.sqlite3"
    opened(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("INSERT INTO entry VALUES ('a', 1.0, '{\"id\": 7}')")
    raw.close()
    file = opened(path)
    assert file.set_aside is not None
    file.close()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """What is in the way is named, and nothing is set aside."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot open the journal"):
        opened(tmp_path / "file" / "journal.sqlite3")
    with pytest.raises(JournalError, match="cannot read the journal"):
        JournalReader(tmp_path / "none.sqlite3")


def test_the_clocks_of_this_machine_go_on() -> None:
    """Two looks are of the same boot, and the second is not before the first."""
    first, second = moment.now(), moment.now()
    assert first.boot == second.boot
    assert second.boot_s >= first.boot_s
