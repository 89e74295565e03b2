"""Does the simulator answer as the real server was recorded to?

The recording is read where PODKEEPER_TEST_EXCHANGES says, or in a source tree from the shared
folder beside the repository. Long texts and lists are cut there, which their last sign shows.

PODKEEPER_TEST_WEBUI_URL names a real server to ask in the simulator's place. The recorded one had
no card, so the memory of one that has a card differs from the recording.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from sim_webui_client import Asker, running_sim

if TYPE_CHECKING:
    from collections.abc import Iterator

_CUT = re.compile(r"^(.*)…\(\d+ (?:chars|items)\)$", re.DOTALL)
_MODEL = re.compile(r"Model hash: \w+, Model: \w+, ")
#: Tables whose keys are data, not fields.
_MAPS = {"options", "items", "loaded", "skipped"}
#: What depends on the checkpoint, the machine or the picture, and so is compared in shape alone.
_OWN = {"Model", "Model hash", "images", "image"}


def _file() -> Path | None:
    named = os.environ.get("PODKEEPER_TEST_EXCHANGES")
    beside = Path("shared") / "data" / "a1111" / "exchanges.json"
    places = [Path(named)] if named else [each / beside for each in Path(__file__).parents]
    return next((each for each in places if each.is_file()), None)


def _exchanges() -> list[dict[str, Any]]:
    file = _file()
    return json.loads(file.read_text(encoding="utf-8")) if file else []


EXCHANGES = _exchanges()


def _cut(value: object) -> str | None:
    match = _CUT.match(value) if isinstance(value, str) else None
    return match[1] if match else None


def _misfit(ours: Any, theirs: list[Any], path: str = "") -> str | None:
    """Return where our answer has a shape that none of the recorded ones has there."""
    if isinstance(ours, dict):
        tables = [each for each in theirs if isinstance(each, dict)]
        if path.rpartition(".")[2] in _MAPS and tables:
            return None
        if not any(set(each) == set(ours) for each in tables):
            return f"{path}: keys {sorted(ours)}"
        here = [each for each in tables if set(each) == set(ours)]
        wrong = (
            _misfit(value, [t[key] for t in here], f"{path}.{key}") for key, value in ours.items()
        )
        return next((each for each in wrong if each), None)
    if isinstance(ours, list):
        lists = [each for each in theirs if isinstance(each, list)]
        items = [item for each in lists for item in each if _cut(item) != ""]
        if lists and (not items or not ours):
            return None
        wrong = (_misfit(item, items, f"{path}[]") for item in ours)
        return next((each for each in wrong if each), None)
    kinds = {type(each) for each in theirs}
    return None if type(ours) in kinds else f"{path}: {ours!r} is none of {kinds}"


def _differs(ours: Any, theirs: Any, path: str = "") -> str | None:
    """Return where a value differs from the recorded one, as far as that was not cut."""
    if path.rpartition(".")[2] in _OWN:
        return None
    if isinstance(theirs, dict):
        wrong = (_differs(ours[key], value, f"{path}.{key}") for key, value in theirs.items())
        return next((each for each in wrong if each), None)
    if isinstance(theirs, str):
        ours, theirs = _MODEL.sub("", ours), _MODEL.sub("", theirs)
    start = _cut(theirs)
    if start is not None:
        return None if ours.startswith(start) else f"{path}: {ours[:80]!r}"
    return None if ours == theirs else f"{path}: {ours!r} instead of {theirs!r}"


def _has_own_values(path: str) -> bool:
    """Return whether an answer tells of the machine or of what is installed, not of the API."""
    return not path.startswith(("/sdapi/v1/progress", "/internal", "/nope"))


def _uncut(value: Any, picture: str) -> Any:
    """Return a request with one of our pictures in place of those that were cut."""
    if isinstance(value, dict):
        return {key: _uncut(each, picture) for key, each in value.items()}
    if isinstance(value, list):
        return [_uncut(each, picture) for each in value]
    return value if _cut(value) is None else picture


def _ask(sim: Asker, exchange: dict[str, Any]) -> Any:
    request = exchange["request"]
    if request is None:
        return sim.client.request(exchange["method"], exchange["path"])
    if isinstance(request, str):
        headers = {"content-type": "application/json"}
        return sim.client.post(exchange["path"], content=request, headers=headers)
    picture = sim.txt2img(sampler_name="Euler").json()["images"][0]
    return sim.client.post(exchange["path"], json=_uncut(request, picture))


pytestmark = pytest.mark.skipif(
    not EXCHANGES, reason="no recording: PODKEEPER_TEST_EXCHANGES names none"
)


@pytest.fixture(scope="module")
def recorded_sim() -> Iterator[Asker]:
    """Return one server for all exchanges, without a card, as the recorded one was."""
    if url := os.environ.get("PODKEEPER_TEST_WEBUI_URL"):
        with httpx.Client(base_url=url, timeout=600) as client:
            yield Asker(client)
        return
    with running_sim(vram_bytes=0) as sim:
        sim.wait(lambda: sim.world.models.loaded)
        yield sim


@pytest.mark.parametrize("number", range(len(EXCHANGES)))
def test_every_recorded_exchange_is_answered_in_the_same_shape(
    recorded_sim: Asker, number: int
) -> None:
    """Status, type and shape are the real server's, and so are all values the request decides."""
    exchange = EXCHANGES[number]
    answer = _ask(recorded_sim, exchange)
    recorded = exchange["response"]
    assert answer.status_code == exchange["status"], answer.text
    assert answer.headers["content-type"] == exchange["content_type"]
    if exchange["path"] == "/sdapi/v1/options" and exchange["method"] == "GET":
        # The simulator has only the options a worker can need; each is one of the real server's.
        recorded = {name: recorded[name] for name in answer.json()}
    assert _misfit(answer.json(), [recorded]) is None
    if exchange["method"] == "POST" or not _has_own_values(exchange["path"]):
        assert _differs(answer.json(), recorded) is None


def test_pictures_are_as_many_and_as_large_as_the_recorded_ones(recorded_sim: Asker) -> None:
    """Each recorded picture has one of ours beside it, a PNG of the same size and mode."""
    jobs = [each for each in EXCHANGES if (each["response"] or {}) and "images" in each["response"]]
    assert jobs
    for exchange in jobs:
        ours = _ask(recorded_sim, exchange).json()["images"]
        theirs = exchange["response"]["images"]
        assert len(ours) == len(theirs)
        for mine, recorded in zip(ours, theirs, strict=True):
            # The first 33 bytes of a PNG, 44 signs in base64, say size, depth and colours.
            assert mine[:44] == recorded[:44]
            Image.open(io.BytesIO(base64.b64decode(mine))).verify()
