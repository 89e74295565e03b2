"""Which job the SDK gets."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from journal_standins import PATIENCE_S, Clock, Platform, courier_of, job, journal_in

from handler.intake import Intake, read
from podkeeper.model.journal import State

if TYPE_CHECKING:
    from pathlib import Path

    from handler.courier import Courier
    from handler.journal import Journal


class Desk:
    """An intake with all it needs, and the SDK's list of jobs."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.journal: Journal = journal_in(folder, clock)
        self.platform = Platform()
        self.courier: Courier = courier_of(self.journal, self.platform)
        self.with_sdk: set[str] = set()
        self.intake = Intake(self.journal, self.courier, lambda: self.with_sdk)

    def accept(self, name: str) -> None:
        """Have the platform grant a job."""
        asyncio.run(self.intake.accept(name, job(name)))

    def offers(self, limit: int = 9, *, sdk_has_left: bool = False) -> list[str]:
        """Return the jobs that the SDK would get."""
        found = asyncio.run(self.intake.offers(limit, sdk_has_left=sdk_has_left))
        return [json.loads(each)["id"] for each in found]

    def error(self) -> str:
        """Return the error that was delivered last."""
        assert self.courier.drained(PATIENCE_S)
        return str(json.loads(self.platform.got[-1][1])["error"])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return an intake without jobs."""
    return Desk(tmp_path)


def test_one_job_or_several_are_read() -> None:
    """Each with its own text; an empty input is better than a job that the SDK drops."""
    assert read(b'{"id":"a","input":{}, "s3Config": 1}') == [
        ("a", b'{"id":"a","input":{}, "s3Config": 1}')
    ]
    assert read(b' [{"id":"a","input":1},{"id":"b"}]') == [
        ("a", b'{"id":"a","input":1}'),
        ("b", b'{"id":"b","input":null}'),
    ]
    assert read(b"[]") == []
    for nonsense in (b"", b"7", b'{"input":1}', b'{"id":7,"input":1}', b"[7]", b"<html>"):
        with pytest.raises(msgspec.MsgspecError):
            read(nonsense)


def test_a_job_is_handed_out_once(desk: Desk) -> None:
    """In the order of the grants, and no more than there is room for."""
    for name in ("a", "b", "c"):
        desk.accept(name)
    assert desk.offers(2) == ["a", "b"]
    desk.with_sdk.update("ab")
    assert desk.offers() == ["c"]
    desk.with_sdk.add("c")
    assert desk.offers() == []


def test_what_the_sdk_did_not_receive_is_handed_out_again(desk: Desk) -> None:
    """It gave up the poll in the very moment of the grant."""
    desk.accept("a")
    assert desk.offers() == ["a"]
    assert desk.offers() == ["a"]


def test_what_the_sdk_dropped_is_run_when_it_has_left(desk: Desk) -> None:
    """It counts the job as in progress, and never begins it."""
    desk.accept("a")
    desk.accept("b")
    desk.offers()
    desk.with_sdk.update("ab")
    desk.intake.begun("a")
    assert desk.offers() == []
    assert desk.offers(sdk_has_left=True) == ["b"]


def test_a_job_granted_again_in_hand_is_not_handed_out(desk: Desk) -> None:
    """It runs once, and is delivered once."""
    desk.accept("a")
    desk.offers()
    desk.with_sdk.add("a")
    desk.accept("a")
    desk.journal.begin("a")
    desk.accept("a")
    assert desk.offers() == []
    assert desk.platform.got == []


def test_a_delivered_job_granted_again_is_answered(desk: Desk) -> None:
    """The result that there is goes out once more, and nothing runs."""
    desk.accept("a")
    desk.journal.finish("a", b'{"output":1}', None)
    desk.courier.send("a")
    assert desk.courier.drained(PATIENCE_S)
    desk.accept("a")
    assert desk.courier.drained(PATIENCE_S)
    assert desk.offers() == []
    assert desk.platform.got == [("a", b'{"output":1}')] * 2


def test_a_stopped_job_is_neither_handed_out_nor_delivered(desk: Desk) -> None:
    """Granted anew it waits until the work on its former life has ended."""
    desk.accept("a")
    desk.intake.begun("a")
    desk.journal.begin("a")
    desk.intake.withdraw(["a", "unknown"])
    assert desk.offers() == []
    desk.accept("a")
    assert desk.offers() == []
    desk.journal.put_back("a")
    desk.intake.ended("a")
    assert desk.offers() == ["a"]
    desk.intake.withdraw(["a"])
    entry = desk.journal.get("a")
    assert entry is not None
    assert entry.state is State.UNWANTED


def test_poison_is_failed_by_name_and_never_handed_out(tmp_path: Path) -> None:
    """Neither after the second kill nor when it is granted again."""
    clock = Clock()
    for _ in range(2):
        desk = Desk(tmp_path, clock)
        desk.accept("a")
        desk.journal.begin("a")
    desk = Desk(tmp_path, clock)
    desk.intake.settle()
    assert desk.offers() == []
    expected = "POISON_JOB: WebUIs or handlers died under the job 2 times; it is not run again"
    assert desk.error() == expected
    desk.accept("a")
    assert desk.offers() == []
    assert desk.error() == expected
    assert len(desk.platform.got) == 2


def test_what_is_too_old_to_begin_again_fails_by_name(tmp_path: Path) -> None:
    """The client is told rather than left to wait."""
    clock = Clock()
    desk = Desk(tmp_path, clock)
    desk.accept("a")
    desk.journal.begin("a")
    clock.s += 600
    desk.journal.beat()
    desk = Desk(tmp_path, clock)
    desk.intake.settle()
    assert desk.error().startswith("JOB_TIMEOUT: the handler was killed")


def test_results_that_a_killed_handler_left_are_delivered(tmp_path: Path) -> None:
    """By whoever comes next, once."""
    desk = Desk(tmp_path)
    desk.accept("a")
    desk.journal.finish("a", b'{"output":1}', None)
    desk = Desk(tmp_path)
    desk.intake.settle()
    desk.intake.settle()
    assert desk.courier.drained(PATIENCE_S)
    assert desk.platform.got == [("a", b'{"output":1}')]


def test_a_job_whose_input_is_lost_fails(desk: Desk) -> None:
    """It ends, and says why."""
    desk.accept("a")
    desk.journal._file.save([], {}, ["a"])  # type: ignore[union-attr] - it is there
    assert desk.offers() == []
    assert desk.error() == "INTERNAL: its input was lost"
