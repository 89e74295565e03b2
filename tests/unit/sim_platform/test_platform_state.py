"""What is kept is what happened."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from podkeeper.sim.platform import due
from podkeeper.sim.platform.hub import Hub
from podkeeper.sim.platform.job import Terms
from podkeeper.sim.platform.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from podkeeper.settings.platform import PlatformSettings

TERMS = Terms(sync=False, ttl_s=50.0, execution_timeout_s=10.0)


@pytest.fixture
def hub(settings: PlatformSettings, tmp_path: Path) -> Iterator[Hub]:
    """Return a hub without HTTP, at the instant 0."""
    made = Hub(settings, Store(tmp_path / "state.sqlite3"), clock=lambda: 0.0)
    yield made
    made.store.close()


def _submit(hub: Hub, job_id: str, data: bytes) -> None:
    hub.do(lambda book, now_s: book.submit(job_id, TERMS, now_s), (job_id, data))


def test_what_cannot_be_kept_has_not_happened(hub: Hub) -> None:
    """On a full disk a submission fails, leaves no job behind, and works again with room."""
    (pages,) = hub.store._db.execute("PRAGMA page_count").fetchone()
    hub.store._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        _submit(hub, "a", b"1" * 100_000)
    assert hub.book.jobs == {}
    hub.store._db.execute("PRAGMA max_page_count=1000000")
    _submit(hub, "a", b"1")
    assert [job.id for job in hub.book.jobs.values()] == ["a"]


def test_an_input_is_dropped_with_its_job(hub: Hub) -> None:
    """A job that is gone leaves its history and no input."""
    _submit(hub, "a", b"1")
    assert hub.store.input_of("a") == b"1"
    hub.do(lambda book, _: due.tick(book, 51.0))
    assert hub.store.input_of("a") is None
    assert hub.book.jobs["a"].gone


def test_a_newer_format_is_refused(settings: PlatformSettings, tmp_path: Path) -> None:
    """A state file of a later version is left alone."""
    path = tmp_path / "state.sqlite3"
    store = Store(path)
    store._db.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(Exception, match="format is 99") as caught:
        Store(path).load(settings)
    assert caught.value.exit_code == 2  # type: ignore[attr-defined]


def test_a_stop_is_not_kept_for_the_next_life(hub: Hub) -> None:
    """A retried job is not ended by the stop that was meant for its last run."""
    _submit(hub, "a", b"1")
    steps: list[Any] = [
        lambda book, _: book.grant("w", 0.0),
        lambda book, _: due.tick(book, 11.0),
        lambda book, _: book.retry("a", 12.0),
        lambda book, _: book.grant("w", 13.0),
    ]
    for step in steps:
        hub.do(step)
    assert hub.book.jobs["a"].running
    assert hub.book.stops("w") == []
