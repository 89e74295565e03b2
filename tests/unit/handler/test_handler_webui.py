"""How one WebUI is asked, against a tiny real HTTP server."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from handler_standins import SAMPLERS, StandInGateway, StandInWebUI

from handler.answers import Answered, Refused
from handler.codes import Code
from handler.environment import fault
from handler.poster import Poster
from handler.progress import Phase
from handler.validation.request import TXT2IMG
from handler.webui import AnswerTooLargeError, WebUI, WebUILostError

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = {"prompt": "x", "seed": 1}


@pytest.fixture
def server() -> Iterator[StandInWebUI]:
    """Return a WebUI that lives as long as the test."""
    with StandInWebUI() as standin:
        yield standin


def client(server: StandInWebUI, max_answer_bytes: int = 1 << 20) -> WebUI:
    """Return a client of the server."""
    return WebUI(
        "webui", server.readiness_url, probe_timeout_s=30.0, max_answer_bytes=max_answer_bytes
    )


def unused_url() -> str:
    """Return an address on which nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def gone() -> WebUI:
    """Return a client of a WebUI that is not there."""
    return WebUI("webui", unused_url(), probe_timeout_s=5.0, max_answer_bytes=1)


def test_an_answer_comes_back_classified(server: StandInWebUI) -> None:
    """A generation's answer is data; an error is a code; each is asked for exactly once."""
    server.script = ["ok", (500, "text/html", b"<html>")]
    webui = client(server)
    answered = webui.ask("POST", TXT2IMG, BODY, 30.0)
    assert isinstance(answered, Answered)
    assert answered.data["parameters"]["prompt"] == "x"
    refused = webui.ask("POST", TXT2IMG, BODY, 30.0)
    assert isinstance(refused, Refused)
    assert refused.code is Code.WEBUI_FAILED
    assert len(server.bodies) == 2


def test_a_webui_that_dies_with_a_request_is_told_from_one_that_was_gone(
    server: StandInWebUI,
) -> None:
    """A request that may have arrived counts as sent; one that could not connect does not."""
    server.script = ["die"]
    with pytest.raises(WebUILostError) as died:
        client(server).ask("POST", TXT2IMG, BODY, 30.0)
    assert died.value.sent
    assert len(server.bodies) == 1
    with pytest.raises(WebUILostError) as absent:
        gone().ask("POST", TXT2IMG, BODY, 30.0)
    assert not absent.value.sent


def test_an_answer_has_a_largest_size(server: StandInWebUI) -> None:
    """An answer above the bound is not read to its end, and its size is told."""
    server.script = [(200, "application/json", b'"' + b"x" * 5000 + b'"')]
    with pytest.raises(AnswerTooLargeError) as caught:
        client(server, max_answer_bytes=1000).ask("POST", TXT2IMG, BODY, 30.0)
    assert caught.value.size_bytes == 5002


def test_readiness_is_status_200(server: StandInWebUI) -> None:
    """Any other status, and no server at all, is not ready."""
    assert client(server).ready()
    server.is_ready = False
    assert not client(server).ready()
    assert not gone().ready()


def test_a_webui_left_with_an_unwanted_job_is_ready_once_idle(server: StandInWebUI) -> None:
    """A suspect WebUI is interrupted and counts as ready only when it works on nothing."""
    webui = client(server)
    webui.suspect = True
    server.busy = 1
    assert not webui.ready()
    assert server.interrupts == 1
    server.busy = 0
    assert webui.ready()
    assert not webui.suspect


def test_progress_is_read_and_its_failure_is_nothing(server: StandInWebUI) -> None:
    """A progress answer is a reading; a WebUI that is gone gives none."""
    state = {"job": "scripts_txt2img", "job_count": 1, "sampling_step": 5, "sampling_steps": 10}
    server.progress = {"progress": 0.5, "state": state}
    reading = client(server).progress()
    assert reading is not None
    assert (reading.phase, reading.progress, reading.steps) == (Phase.sampling, 0.5, 10)
    assert gone().progress() is None


def test_lists_are_read_once_until_fresh_ones_are_wanted(server: StandInWebUI) -> None:
    """A list is kept, read anew on request, and missing where the WebUI has none."""
    webui = client(server)
    assert webui.lists({"samplers", "upscalers"}, fresh=False) == {"samplers": SAMPLERS}
    server.lists["samplers"] = SAMPLERS[:1]
    assert webui.lists({"samplers"}, fresh=False)["samplers"] == SAMPLERS
    assert webui.lists({"samplers"}, fresh=True)["samplers"] == SAMPLERS[:1]
    webui.forget()
    assert webui.lists(set(), fresh=False) == {}


def test_progress_is_posted_as_the_sdk_would(caplog: pytest.LogCaptureFixture) -> None:
    """A message goes to the job's result address with key and id; a failure is only logged."""
    with StandInGateway() as gateway:
        template = f"{gateway.url}/v2/e/job-done/pod/$ID?gpu=x"
        Poster(template, "key", 30.0, 30.0).post("job-1", {"progress": 0.5})
        expected = {"status": "IN_PROGRESS", "output": {"progress": 0.5}}
        assert gateway.posts == [("job-1", expected, "key")]
    Poster(unused_url() + "$ID?", "key", 5.0, 5.0).post("job-2", {})
    assert "job job-2: progress was not delivered: ConnectionError" in caplog.text
    Poster("JOB_DONE_URL", "", 5.0, 5.0).post("job-3", {})
    assert "job-3" not in caplog.text


URLS = {"RUNPOD_WEBHOOK_GET_JOB": "http://a/?b", "RUNPOD_WEBHOOK_POST_OUTPUT": "http://a/?b"}


@pytest.mark.parametrize(
    ("environ", "arguments", "said"),
    [
        (URLS, [], None),
        ({}, ["--test_input", "{}"], None),
        ({}, [], "RUNPOD_WEBHOOK_GET_JOB is not set"),
        ({**URLS, "RUNPOD_WEBHOOK_POST_OUTPUT": "http://a"}, [], "has no question mark"),
    ],
)
def test_an_environment_in_which_jobs_would_be_lost_is_refused(
    environ: dict[str, str], arguments: list[str], said: str | None
) -> None:
    """Addresses the SDK would garble or miss are found before it starts."""
    found = fault(environ, arguments)
    assert (found is None) if said is None else (said in (found or ""))
