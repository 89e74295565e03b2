"""What the client gets for an answer, and which answers are no result."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from handler_standins import generated, image, png
from hypothesis import given
from hypothesis import strategies as st

from handler import result, seeds
from handler.codes import Code
from handler.errors import JobError
from handler.validation.images import output_fault
from handler.validation.request import TXT2IMG, Request

BODY = {"prompt": "x", "seed": 5, "batch_size": 2}
REQUEST = Request("POST", TXT2IMG, BODY, images=2)


def failed(data: Any, request: Request = REQUEST) -> JobError:
    """Return the error that an answer ends with."""
    with pytest.raises(JobError) as caught:
        result.generated(data, request)
    return caught.value


def test_a_result_has_what_a_client_needs() -> None:
    """Images, parsed info, parameters without the client's own images, seeds, time, remarks."""
    parts = result.generated(generated(BODY), REQUEST)
    made = result.build(parts, 1.2345, ("tried again",), {"requests": 1})
    assert made["images"] == [image(5), image(6)]
    assert made["info"]["all_seeds"] == made["seeds"] == [5, 6]
    assert "init_images" not in made["parameters"]
    assert made["seconds"] == 1.234 or made["seconds"] == 1.235
    assert made["warnings"] == ["tried again"]
    assert made["memory"] == {"requests": 1}


def test_a_question_gets_the_answer_as_it_is() -> None:
    """A read-only question's answer is handed on."""
    assert result.build({"response": [1, 2]}, 0.5) == {"response": [1, 2], "seconds": 0.5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": None}, "has no images"),
        ({"images": [image()]}, "has 1 images, 2 were asked for"),
        ({"images": [image(), "@@@"]}, "images[1], which is not base64"),
        ({"images": [image(), 7]}, "images[1], which is int, not base64 text"),
        (
            {"images": [image(), base64.b64encode(b"GIF89a").decode()]},
            "images[1], which is no PNG, JPEG or WebP",
        ),
        (
            {"images": [image(), base64.b64encode(png()[:-6]).decode()]},
            "images[1], which is a PNG that is cut off",
        ),
        ({"info": "{broken"}, "has an info that is no JSON"),
        ({"info": None}, "has no info"),
    ],
)
def test_an_answer_that_is_no_result_is_refused(changes: dict[str, Any], said: str) -> None:
    """Missing, broken and too few images are a bad answer, never a COMPLETED job."""
    error = failed({**generated(BODY), **changes})
    assert error.code is Code.WEBUI_BAD_ANSWER
    assert said in error.message


@pytest.mark.parametrize("data", [None, [], "images", 7])
def test_an_answer_that_is_no_object_is_refused(data: Any) -> None:
    """Anything but an object is a bad answer."""
    assert failed(data).code is Code.WEBUI_BAD_ANSWER


@pytest.mark.parametrize("value", [float("nan"), "\ud800", b"bytes"])
def test_what_cannot_be_posted_fails_here(value: Any) -> None:
    """A result the SDK would drop in silence ends as a failed job instead."""
    with pytest.raises(JobError, match=r"WEBUI_BAD_ANSWER: .*cannot be sent as JSON"):
        result.checked_size(result.Result({"info": value}), 1000)


def test_a_result_too_large_for_the_platform_fails_with_figures() -> None:
    """The size counted is that of what the SDK posts."""
    made = result.Result({"images": ["é" * 100]})
    size_bytes = len(json.dumps({"output": made}, ensure_ascii=False).encode())
    assert result.checked_size(made, size_bytes) == size_bytes
    with pytest.raises(JobError) as caught:
        result.checked_size(made, size_bytes - 1)
    assert caught.value.figures == {"size_bytes": size_bytes, "max_bytes": size_bytes - 1}


def test_a_result_does_not_show_what_it_holds() -> None:
    """A result within a log line shows nothing of prompts and images, yet is plain JSON."""
    made = result.Result({"images": ["private"]})
    assert "private" not in f"{made} {made!r} { {'output': made} }"
    assert json.loads(json.dumps(made)) == {"images": ["private"]}


@given(st.binary(max_size=64))
def test_only_images_pass_for_images(data: bytes) -> None:
    """Bytes that do not begin like an image are no image."""
    known = data.startswith(b"\xff\xd8\xff") or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    assert (output_fault(base64.b64encode(data).decode()) is None) == known


@given(st.integers(-1, 2**32 - 1) | st.none())
def test_seeds_are_drawn_once_where_none_is_given(seed: int | None) -> None:
    """A seed that is given stays; -1 and a missing one are drawn, and then stay."""
    drawn = iter((11, 22))
    body = {"prompt": "x"} if seed is None else {"prompt": "x", "seed": seed}
    fixed = seeds.fixed(body, lambda: next(drawn))
    assert fixed["seed"] == (11 if seed in (None, -1) else seed)
    assert seeds.fixed(fixed, lambda: -99) == fixed
    assert 0 <= seeds.draw() < 2**32 - 1
