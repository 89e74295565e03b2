"""Hints from one process to another."""

from __future__ import annotations

import select
from contextlib import closing
from typing import TYPE_CHECKING

from podkeeper import hint
from podkeeper.hint import Ear

if TYPE_CHECKING:
    from pathlib import Path


def heard(ear: Ear) -> bool:
    """Return whether a hint waits."""
    return bool(select.select([ear], [], [], 0)[0])


def test_a_hint_wakes_whoever_listens_and_is_gone_once_taken(tmp_path: Path) -> None:
    """Many hints are one."""
    with closing(Ear(tmp_path / "ear")) as ear:
        assert not heard(ear)
        assert hint.give(tmp_path / "ear")
        assert hint.give(tmp_path / "ear")
        assert heard(ear)
        ear.clear()
        assert not heard(ear)


def test_a_hint_to_nobody_is_no_error(tmp_path: Path) -> None:
    """A keeper that is being restarted misses it, and looks at its next tick."""
    assert not hint.give(tmp_path / "ear")


def test_a_deaf_listener_holds_nobody_up(tmp_path: Path) -> None:
    """Where the queue is full the hint is dropped: one is waiting anyway."""
    with closing(Ear(tmp_path / "ear")) as ear:
        assert not all(hint.give(tmp_path / "ear") for _ in range(10_000))
        assert heard(ear)


def test_the_next_listener_takes_the_place_of_the_last(tmp_path: Path) -> None:
    """A keeper that was killed leaves its socket behind."""
    path = tmp_path / "ear"
    Ear(path).close()
    with closing(Ear(path)) as ear:
        assert hint.give(path)
        assert heard(ear)
        assert path.stat().st_mode & 0o777 == 0o600
