"""What does the client get for an answer of the WebUI, and can it be sent?

Covers: images and info checked, the parts a client needs, one JSON text of bounded size. Pure.
Leaves out: re-encoding and uploading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from handler.codes import Code
from handler.errors import JobError
from handler.validation.images import output_fault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handler.validation.request import Request

#: Parts of the WebUI's echo that repeat what the client sent, as large as it was.
_NOT_ECHOED = ("init_images", "mask", "alwayson_scripts", "script_args")


class Result(dict[str, Any]):
    """A job's result, which does not show what it holds.

    The SDK makes a text of every result for its debug log, whether the line is written or not:
    that would cost a copy of the images, and would put prompts into the log.
    """

    def __repr__(self) -> str:
        """Return how much there is, and nothing of it."""
        return f"<result of {len(self)} parts>"

    __str__ = __repr__


def _bad(text: str) -> JobError:
    return JobError(Code.WEBUI_BAD_ANSWER, f"the WebUI's answer {text}")


def _images(data: dict[str, Any], expected: int | None) -> list[str]:
    images = data.get("images")
    if not isinstance(images, list):
        raise _bad("has no images")
    for index, image in enumerate(images):
        fault = output_fault(image)
        if fault:
            raise _bad(f"has images[{index}], which {fault}")
    # Fewer come back when somebody else interrupted the WebUI: it answers 200 all the same.
    if expected is not None and len(images) < expected:
        raise _bad(f"has {len(images)} images, {expected} were asked for")
    return images


def _info(data: dict[str, Any]) -> dict[str, Any]:
    """Return the info, which the WebUI sends as JSON within a text."""
    info = data.get("info")
    try:
        parsed = json.loads(info) if isinstance(info, str) else info
    except ValueError:
        raise _bad("has an info that is no JSON") from None
    if not isinstance(parsed, dict):
        raise _bad("has no info")
    return parsed


def generated(data: object, request: Request) -> dict[str, Any]:
    """Return images, info, parameters and seeds of an answer to a generation.

    Raises:
        JobError: It is not what was asked for.
    """
    if not isinstance(data, dict):
        raise _bad("is no object")
    info = _info(data)
    parameters = data.get("parameters")
    echoed = parameters if isinstance(parameters, dict) else {}
    body = request.body or {}
    return {
        "images": _images(data, request.images),
        "info": info,
        "parameters": {key: each for key, each in echoed.items() if key not in _NOT_ECHOED},
        "seeds": info.get("all_seeds") or [body.get("seed")],
    }


def build(
    parts: dict[str, Any],
    seconds: float,
    remarks: Sequence[str] = (),
    memory: dict[str, object] | None = None,
) -> Result:
    """Return the result that a client gets.

    Args:
        parts: What was made, or the answer to a question.
        seconds: Time at the WebUI.
        remarks: What the client should know.
        memory: What the job took of the card, and what was done about it.
    """
    noted = {"warnings": list(remarks)} if remarks else {}
    receipt = {"memory": memory} if memory is not None else {}
    return Result({**parts, "seconds": round(seconds, 3), **receipt, **noted})


def checked_size(result: Result, max_bytes: int) -> int:
    """Return the size in bytes of what the SDK will post for the result.

    Raises:
        JobError: It is larger than allowed, or cannot be sent at all: the SDK would log that and
            post nothing, and the job would stay in progress for ever.
    """
    try:
        text = json.dumps({"output": result}, ensure_ascii=False, allow_nan=False)
        size_bytes = len(text.encode())
    except (ValueError, TypeError, RecursionError) as error:
        raise _bad(f"cannot be sent as JSON ({type(error).__name__})") from None
    if size_bytes > max_bytes:
        raise too_large(size_bytes, max_bytes)
    return size_bytes


def too_large(size_bytes: int, max_bytes: int) -> JobError:
    """Return the error of a result that the platform would not take."""
    text = (
        f"the result is {size_bytes} bytes, at most {max_bytes} can be sent: "
        "ask for fewer or smaller images"
    )
    return JobError(Code.OUTPUT_TOO_LARGE, text, size_bytes=size_bytes, max_bytes=max_bytes)
