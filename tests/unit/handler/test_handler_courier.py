"""How a result reaches the platform."""

from __future__ import annotations

import json
import logging
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from handler_standins import StandInGateway
from journal_standins import PATIENCE_S, QUICK, Clock, Platform, courier_of, job, journal_in

from handler.courier import Courier, Terms
from handler.posted import code_of, posted
from handler.poster import Answer, Poster, retry_after_s
from podkeeper.model.journal import State
from podkeeper.policy.backoff import Backoff

if TYPE_CHECKING:
    from pathlib import Path

    from handler.journal import Journal

MADE = posted({"images": ["x"]})
#: A wait that nothing but being woken ends.
FOR_EVER = Backoff(first_s=PATIENCE_S, factor=1.0, max_s=PATIENCE_S, jitter_ratio=0.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return a journal with one result that waits."""
    return with_result(journal_in(tmp_path, Clock()), "a")


def with_result(journal: Journal, name: str, code: str | None = None) -> Journal:
    """Return the journal with one more result."""
    journal.grant(name, job(name))
    journal.finish(name, MADE, code)
    return journal


def state(journal: Journal, name: str = "a") -> State:
    """Return where a job is."""
    entry = journal.get(name)
    assert entry is not None
    return entry.state


def test_a_result_is_tried_until_it_is_taken(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors, refusals for now and dead connections are waited for, and told once each."""
    caplog.set_level(logging.INFO)
    platform = Platform(500, 500, 500, 500, 429, None, None)
    assert courier_of(journal, platform).send("a").settled.wait(PATIENCE_S)
    assert platform.got == [("a", MADE)] * 8
    assert state(journal) is State.DELIVERED
    warned = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warned) == 3
    assert "job a: its result is delivered after 8 tries" in caplog.text


def test_a_result_is_delivered_once(journal: Journal) -> None:
    """However often it is sent while it is on its way."""
    platform = Platform()
    platform.gate.clear()
    courier = courier_of(journal, platform)
    first = courier.send("a")
    assert platform.asked.wait(PATIENCE_S)
    assert courier.send("a") is first
    assert courier.names() == ["a"]
    platform.gate.set()
    assert courier.drained(PATIENCE_S)
    assert len(platform.got) == 1
    assert courier.send("a").settled.wait(PATIENCE_S)
    assert len(platform.got) == 1


def test_what_is_asked_for_again_on_its_way_is_sent_again(journal: Journal) -> None:
    """A grant that came after the delivery began is a demand that it does not answer."""
    platform = Platform()
    platform.gate.clear()
    courier = courier_of(journal, platform)
    delivery = courier.send("a")
    assert platform.asked.wait(PATIENCE_S)
    journal.grant("a", job("a"))
    courier.send("a")
    platform.gate.set()
    assert delivery.settled.wait(PATIENCE_S)
    assert len(platform.got) == 2
    assert state(journal) is State.DELIVERED


@pytest.mark.parametrize("status", [400, 413])
def test_a_result_that_is_too_large_ends_as_an_error(journal: Journal, status: int) -> None:
    """Silence would leave the client with a job that has completed without output."""
    platform = Platform(status)
    assert courier_of(journal, platform).send("a").settled.wait(PATIENCE_S)
    _, body = platform.got[-1]
    said = json.loads(body)
    size = len(MADE)
    assert said["error"].startswith(
        f"OUTPUT_TOO_LARGE: the platform answered {status} to the result of {size} bytes"
    )
    assert said["output"]["error_detail"]["size_bytes"] == size
    entry = journal.get("a")
    assert entry is not None
    assert (entry.state, entry.code) == (State.DELIVERED, "OUTPUT_TOO_LARGE")


@pytest.mark.parametrize(("status", "code"), [(404, None), (410, None), (400, "WEBUI_FAILED")])
def test_what_nobody_wants_is_closed(tmp_path: Path, status: int, code: str | None) -> None:
    """It is tried no second time, and leaves no file."""
    journal = with_result(journal_in(tmp_path), "a", code)
    platform = Platform(status)
    assert courier_of(journal, platform).send("a").settled.wait(PATIENCE_S)
    assert len(platform.got) == 1
    assert state(journal) is State.EXPIRED
    assert list((tmp_path / "results").iterdir()) == []


def test_a_result_expires(tmp_path: Path) -> None:
    """Some time nobody has a use for it any more."""
    clock = Clock()
    journal = with_result(journal_in(tmp_path, clock), "a")
    clock.s += 3600
    platform = Platform()
    assert courier_of(journal, platform).send("a").settled.wait(PATIENCE_S)
    assert platform.got == []
    assert state(journal) is State.EXPIRED


def test_a_result_whose_file_is_gone_ends_as_an_error(journal: Journal, tmp_path: Path) -> None:
    """The client learns of it."""
    (tmp_path / "results" / "a.json").unlink()
    journal.close("a", State.EXPIRED, "")
    journal.grant("a", job("a"))
    journal.finish("a", MADE, None)
    assert journal.spool is not None
    journal.spool.drop("a")
    platform = Platform()
    assert courier_of(journal, platform).send("a").settled.wait(PATIENCE_S)
    assert json.loads(platform.got[-1][1])["error"].startswith("INTERNAL: the result was lost")


def test_waits_end_when_the_platform_is_heard_of(tmp_path: Path) -> None:
    """The first result that is taken, or any other sign, brings all others on their way."""
    journal = with_result(with_result(journal_in(tmp_path), "a"), "b")
    platform = Platform(503, 503)
    courier = courier_of(journal, platform, FOR_EVER)
    sent = [courier.send(each) for each in "ab"]
    wait = threading.Event()
    while len(platform.got) < 2:
        wait.wait(0.002)
    with_result(journal, "c")
    courier.send("c")
    assert all(each.settled.wait(PATIENCE_S) for each in sent)
    assert len(platform.got) == 5


def test_what_the_platform_has_stopped_is_not_sent(journal: Journal) -> None:
    """A wait ends, and with it the delivery."""
    platform = Platform(503)
    courier = courier_of(journal, platform, FOR_EVER)
    delivery = courier.send("a")
    assert platform.asked.wait(PATIENCE_S)
    journal.close("a", State.UNWANTED, "stopped")
    while not delivery.settled.wait(0.01):
        courier.wake()
    assert len(platform.got) == 1


def test_an_error_of_ours_does_not_lose_a_result(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again, and the log has the place."""
    platform, calls = Platform(), []

    def deliver(name: str, result: Path | bytes) -> Answer:
        calls.append(name)
        if len(calls) == 1:
            raise RuntimeError("unforeseen")
        return platform.deliver(name, result)

    courier = Courier(journal, deliver, Terms(QUICK, at_once=1))
    assert courier.send("a").settled.wait(PATIENCE_S)
    assert platform.got == [("a", MADE)]
    assert "job a: cannot deliver its result" in caplog.text


def test_one_who_leaves_does_not_wait_for_ever(journal: Journal) -> None:
    """What is not delivered stays for the next handler."""
    platform = Platform(503)
    courier = courier_of(journal, platform, FOR_EVER)
    courier.send("a")
    assert not courier.drained(0.05)
    assert journal.undelivered() == ["a"]
    journal.close("a", State.UNWANTED, "")
    courier.wake()
    assert courier.drained(PATIENCE_S)


def test_a_result_goes_as_the_sdk_would_send_it(tmp_path: Path) -> None:
    """A file and bytes alike, with the SDK's key, at the job's own address."""
    (tmp_path / "result").write_bytes(MADE)
    with StandInGateway() as gateway:
        template = gateway.environment()["RUNPOD_WEBHOOK_POST_OUTPUT"]
        poster = Poster(template.replace("$RUNPOD_POD_ID", "pod"), "key", PATIENCE_S, PATIENCE_S)
        assert poster.deliver("a", tmp_path / "result").status == 200
        assert poster.deliver("b", MADE).status == 200
        assert poster.deliver("c", tmp_path / "none").note == "FileNotFoundError"
        message = {"output": {"images": ["x"]}}
        assert gateway.posts == [("a", message, "key"), ("b", message, "key")]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/$ID?"
    answer = Poster(nobody, "key", PATIENCE_S, PATIENCE_S).deliver("a", MADE)
    assert (answer.status, answer.note) == (None, "ConnectionError")


def test_results_have_the_sdks_shape() -> None:
    """What a client sees does not tell who has posted it."""
    assert json.loads(posted({"images": ["é"]})) == {"output": {"images": ["é"]}}
    failed = {"error": "X: y", "error_detail": {"code": "X"}}
    assert json.loads(posted(failed)) == {
        "error": "X: y",
        "output": {"error_detail": {"code": "X"}},
    }
    assert json.loads(posted({"error": "X"})) == {"error": "X"}
    assert [code_of(each) for each in ({}, failed, {"error": "X"})] == [None, "X", "FAILED"]


@pytest.mark.parametrize(
    ("header", "asked_s"),
    [
        ("7", 7.0),
        ("", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 20.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str, asked_s: float | None) -> None:
    """Anything else asks for nothing."""
    assert retry_after_s(header, 40.0) == asked_s
