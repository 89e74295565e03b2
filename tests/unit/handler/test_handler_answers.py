"""What each answer of the WebUI means."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.answers import Answered, Refused, classify
from handler.codes import MEANINGS, Code

PROJECT = Path(__file__).parents[3]


def exception(name: str, errors: str = "", detail: str = "") -> dict[str, str]:
    """Return the body A1111 sends for an exception."""
    return {"error": name, "detail": detail, "body": "", "errors": errors}


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (
            422,
            {"detail": [{"loc": ["body", "steps"], "msg": "value is not a valid integer"}]},
            Code.WEBUI_REJECTED,
            "the WebUI answered 422: body.steps: value is not a valid integer",
        ),
        (
            422,
            exception("HTTPException", detail="Script 'nope' not found"),
            Code.WEBUI_REJECTED,
            "HTTPException: Script 'nope' not found",
        ),
        (404, {"detail": "Not Found"}, Code.WEBUI_REJECTED, "answered 404: Not Found"),
        (405, {"detail": "Method Not Allowed"}, Code.WEBUI_REJECTED, "Method Not Allowed"),
        (
            500,
            exception("HTTPException", detail="Invalid encoded image"),
            Code.WEBUI_REJECTED,
            "Invalid encoded image",
        ),
        (
            500,
            exception("ZeroDivisionError", "integer division or modulo by zero"),
            Code.WEBUI_FAILED,
            "ZeroDivisionError: integer division or modulo by zero",
        ),
        (
            500,
            exception("OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.25 GiB"),
            Code.VRAM_OOM,
            "CUDA out of memory",
        ),
        (500, exception("RuntimeError", "CUDA error: out of memory"), Code.VRAM_OOM, ""),
        (
            500,
            exception("RuntimeError", "Not enough memory, use lower resolution (max approx. 1)"),
            Code.VRAM_OOM,
            "",
        ),
        (500, exception("RuntimeError", "CUBLAS_STATUS_ALLOC_FAILED"), Code.VRAM_OOM, ""),
        (500, exception("RuntimeError", "CUDNN_STATUS_NOT_INITIALIZED"), Code.VRAM_OOM, ""),
        (500, exception("MemoryError"), Code.RAM_OOM, "MemoryError"),
        (
            500,
            exception("RuntimeError", "DefaultCPUAllocator: can't allocate memory: you tried"),
            Code.RAM_OOM,
            "",
        ),
        (500, b"torch.OutOfMemoryError: CUDA out of memory.", Code.VRAM_OOM, ""),
        (
            500,
            exception("ExceptionGroup", "unhandled errors in a TaskGroup (1 sub-exception)"),
            Code.WEBUI_FAILED,
            "ExceptionGroup",
        ),
        (500, b"Internal Server Error", Code.WEBUI_FAILED, "Internal Server Error"),
        (500, b"", Code.WEBUI_FAILED, "an empty answer"),
        (
            502,
            b"<html><h1>Bad\nGateway</h1></html>",
            Code.WEBUI_FAILED,
            "answered 502: a page of HTML: Bad Gateway",
        ),
        (307, b"", Code.WEBUI_BAD_ANSWER, "expected 200"),
        (200, b"<html>Hello</html>", Code.WEBUI_BAD_ANSWER, "expected JSON, got a page of HTML"),
        (200, b'{"images": [', Code.WEBUI_BAD_ANSWER, "expected JSON"),
        (200, b"", Code.WEBUI_BAD_ANSWER, "expected JSON, got an empty answer"),
    ],
)
def test_an_error_gets_its_code_and_what_the_webui_said(
    status: int, body: Any, code: Code, said: str
) -> None:
    """Each kind of error that A1111 or a proxy sends has one code, and says why."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    outcome = classify(status, "text/plain", raw)
    assert isinstance(outcome, Refused)
    assert outcome.code is code
    assert said in outcome.message


@pytest.mark.parametrize("value", [{"images": []}, [], None, {}])
def test_json_with_200_is_an_answer(value: Any) -> None:
    """JSON with status 200 is the answer, null included."""
    assert classify(200, "application/json", json.dumps(value).encode()) == Answered(value)


def recorded() -> list[dict[str, Any]]:
    """Return the exchanges recorded from a real server, or none where they are not present."""
    beside = PROJECT.parent / "shared/data/a1111/exchanges.json"
    path = Path(os.environ.get("PODKEEPER_TEST_EXCHANGES") or beside)
    return json.loads(path.read_text()) if path.is_file() else []


@pytest.mark.skipif(not recorded(), reason="no recorded exchanges here")
@pytest.mark.parametrize(
    "exchange", recorded(), ids=lambda each: f"{each['status']} {each['path'][:40]}"
)
def test_a_real_servers_answers_are_understood(exchange: dict[str, Any]) -> None:
    """Every recorded answer is an answer at 200, else has a code and a reason."""
    body = json.dumps(exchange["response"]).encode()
    outcome = classify(exchange["status"], exchange["content_type"], body)
    if exchange["status"] == 200:
        assert outcome == Answered(exchange["response"])
        return
    assert isinstance(outcome, Refused)
    on_purpose = exchange["response"].get("error") == "HTTPException"
    rejected = on_purpose or exchange["status"] < 500
    assert outcome.code is (Code.WEBUI_REJECTED if rejected else Code.WEBUI_FAILED)
    assert len(outcome.message) > len("the WebUI answered 500: ")


@given(st.integers(100, 599), st.sampled_from(["text/html", "application/json"]), st.binary())
def test_any_answer_means_something(status: int, content_type: str, body: bytes) -> None:
    """No answer raises, and what is not 200 is never taken for one."""
    outcome = classify(status, content_type, body)
    assert status == 200 or isinstance(outcome, Refused)


def test_every_code_has_a_meaning() -> None:
    """A code that nobody explains cannot be added."""
    assert set(MEANINGS) == set(Code)
