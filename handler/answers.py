"""What does an answer of the WebUI mean?

Covers: from status, content type and body to one value. Pure; the shapes are those of A1111 1.10.1
and of what stands before or in place of it: FastAPI's 422, the router's 404, HTML, plain text.
Leaves out: connections that die (`webui`), whether the images are images (`result`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from handler.codes import Code
from handler.text import one_line
from podkeeper.policy import oom_signs
from podkeeper.policy.oom_signs import Trouble

_MESSAGE = 400
_CODES = {Trouble.VRAM: Code.VRAM_OOM, Trouble.RAM: Code.RAM_OOM}


@dataclass(frozen=True)
class Answered:
    """The WebUI did what it was asked to."""

    data: Any


@dataclass(frozen=True)
class Refused:
    """The WebUI did not, and with which code the job fails."""

    code: Code
    message: str
    status: int
    #: Which failure of memory its words tell of, if any.
    trouble: Trouble | None = None


Outcome = Answered | Refused


def _parsed(body: bytes) -> Any:
    """Return the JSON value, or None where it is none; a bare null is no error's body."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _field_error(detail: Any) -> str:
    """Return one entry of FastAPI's 422 as `body.steps: value is not a valid integer`."""
    if not isinstance(detail, dict):
        return str(detail)
    where = ".".join(str(each) for each in detail.get("loc") or ())
    return f"{where}: {detail.get('msg')}" if where else str(detail.get("msg"))


def _error_text(data: Any) -> str:
    """Return what an error's body says, of the shapes there are."""
    if not isinstance(data, dict):
        return ""
    detail = data.get("detail")
    if isinstance(detail, list):
        return "; ".join(_field_error(each) for each in detail[:5])
    name = str(data.get("error") or "")
    said = " ".join(str(each) for each in (detail, data.get("errors")) if each)
    return ": ".join(each for each in (name, said) if each)


def _code(status: int, data: Any, trouble: Trouble | None) -> Code:
    if trouble in _CODES:
        return _CODES[trouble]
    # An HTTPException is raised on purpose, whatever its status: a bad image gets 500.
    on_purpose = isinstance(data, dict) and data.get("error") == "HTTPException"
    if on_purpose or HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Code.WEBUI_REJECTED
    return Code.WEBUI_FAILED


def _plain(content_type: str, body: bytes) -> str:
    """Return a body that is no JSON as a person reads it."""
    text = body[: 4 * _MESSAGE].decode("utf-8", "replace")
    if "html" in content_type.lower() or text.lstrip()[:1] == "<":
        text = "a page of HTML: " + re.sub(r"<[^>]*>", " ", text)
    return " ".join(text.split()) or "an empty answer"


def _refused(code: Code, status: int, text: str, trouble: Trouble | None = None) -> Refused:
    said = one_line(f"the WebUI answered {status}: {text}", _MESSAGE)
    return Refused(code, said, status, trouble)


def classify(status: int, content_type: str, body: bytes) -> Outcome:
    """Return what an answer means."""
    data = _parsed(body)
    if status >= HTTPStatus.BAD_REQUEST:
        text = _error_text(data) or _plain(content_type, body)
        trouble = oom_signs.of_words(text)
        return _refused(_code(status, data, trouble), status, text, trouble)
    if status != HTTPStatus.OK:
        return _refused(Code.WEBUI_BAD_ANSWER, status, "expected 200")
    if data is None and body.strip() != b"null":
        text = "expected JSON, got " + _plain(content_type, body)
        return _refused(Code.WEBUI_BAD_ANSWER, status, text)
    return Answered(data)
