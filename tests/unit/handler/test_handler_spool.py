"""Where a result lies until the platform has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.spool import Spool, SpoolError

if TYPE_CHECKING:
    from pathlib import Path


def spool_in(folder: Path, max_bytes: int = 100, answered_max_bytes: int = 100) -> Spool:
    """Return the spool in a folder."""
    return Spool(folder, max_bytes, answered_max_bytes)


def test_a_result_is_there_after_a_kill(tmp_path: Path) -> None:
    """Another process finds it by its name, and half a result not at all."""
    spool_in(tmp_path).put("sync-1/é-u1", b"made")
    (tmp_path / "results" / ".half.json.7.8").write_bytes(b"ha")
    found = spool_in(tmp_path)
    assert found.waiting == ["sync-1/é-u1"]
    path = found.path("sync-1/é-u1")
    assert path is not None
    assert path.read_bytes() == b"made"
    assert len(list((tmp_path / "results").iterdir())) == 1


def test_there_is_a_bound(tmp_path: Path) -> None:
    """What would exceed it is refused; a result in place of another counts once."""
    spool = spool_in(tmp_path)
    spool.put("a", b"x" * 60)
    with pytest.raises(SpoolError, match=r"exceed journal\.max_bytes"):
        spool.put("b", b"x" * 41)
    spool.put("a", b"x" * 100)
    assert spool_in(tmp_path).waiting == ["a"]


def test_answers_are_kept_apart_and_the_oldest_go(tmp_path: Path) -> None:
    """A delivered result does not count as waiting, can come back, and makes room in turn."""
    spool = spool_in(tmp_path, answered_max_bytes=10)
    for name in ("a", "b", "c"):
        spool.put(name, b"12345")
        spool.answered(name)
    assert [spool.has_answer(each) for each in "abc"] == [False, True, True]
    spool.again("b")
    assert spool.waiting == ["b"]
    spool.forget_answers(set())
    assert not spool.has_answer("c")
    assert spool_in(tmp_path).waiting == ["b"]


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    """What was not written is not there, and the next one may be."""
    spool = spool_in(tmp_path)
    folder = tmp_path / "results"
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(SpoolError):
        spool.put("a", b"made")
    assert spool.path("a") is None
    folder.unlink()
    folder.mkdir()
    spool.put("a", b"made")
    spool.sync("a")
    spool.drop("a")
    assert list(folder.iterdir()) == []


def test_a_name_too_long_for_a_file_is_said(tmp_path: Path) -> None:
    """Such a result is kept elsewhere."""
    with pytest.raises(SpoolError, match="too long"):
        spool_in(tmp_path).put("x" * 300, b"")


@given(name=st.text(min_size=1, max_size=16))  # four bytes each, three letters for a byte
def test_any_name_comes_back(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    """Whatever a platform calls its jobs."""
    folder = tmp_path_factory.mktemp("spool")
    spool_in(folder).put(name, b"made")
    assert spool_in(folder).waiting == [name]
