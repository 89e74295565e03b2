"""The extension under load on a real server, and the simulator that speaks for it."""

from __future__ import annotations

import ast
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
import uvicorn
from starlette.testclient import TestClient
from webui_standin import until

import hooks.webui_extension
from podkeeper.model.webui_answers import of_extension
from podkeeper.settings.load import Source, load
from podkeeper.sim.webui.app import make_app
from podkeeper.sim.webui.world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Loaded

#: More than A1111's forty threads.
CROWD = 45


@pytest.fixture
def simulated() -> Iterator[TestClient]:
    """Return a client of a simulator that has done a job."""
    chosen = load(Source()).settings.sim_webui
    quick = msgspec.structs.replace(chosen, start_s=0.0, load_s=0.0, step_s=0.0)
    world = make_world(quick)
    with TestClient(make_app(world)) as client:
        until(lambda: world.models.loaded)
        job = {"prompt": "a", "steps": 1, "width": 64, "height": 64}
        assert client.post("/sdapi/v1/txt2img", json=job).status_code == 200
        yield client


def shape(value: Any) -> Any:
    """Return which keys there are, and of which kind each value is; numbers are one kind."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if type(value) in (int, float) else type(value).__name__


def without_names(told: Any) -> Any:
    """Return an answer's shape without what differs by nature: names of parts of a start."""
    if told.get("startup"):
        told["startup"]["records"] = {}
    return shape(told)


@pytest.mark.parametrize(
    ("method", "route", "asked"),
    [
        ("GET", "memory", None),
        ("GET", "memory?owners=1", None),
        ("GET", "state", None),
        ("GET", "stacks", None),
        ("POST", "reclaim", {"wait_s": 1, "drop_checkpoints": True}),
        ("POST", "profile", {"span_s": 0.01}),
    ],
)
def test_the_simulator_answers_in_the_same_form(
    webui: Loaded, simulated: TestClient, method: str, route: str, asked: Any
) -> None:
    """Every route has the same keys and kinds in both, so that either may stand for the other."""
    webui.host.job()
    webui.plug.jobs._leave_baseline(tidied=False)
    path = f"/podkeeper/{route}"
    real = webui.client.request(method, path, json=asked)
    stand_in = simulated.request(method, path, json=asked)
    assert (real.status_code, stand_in.status_code) == (200, 200)
    assert without_names(stand_in.json()) == without_names(real.json())
    assert (real.json()["extension"]["simulator"], stand_in.json()["extension"]["simulator"]) == (
        False,
        True,
    )


def test_the_watchdog_understands_both(webui: Loaded, simulated: TestClient) -> None:
    """Every figure that the snapshot can hold is filled by either, and none is an error."""
    webui.host.job()
    webui.plug.jobs._leave_baseline(tidied=False)
    for client in (webui.client, simulated):
        told = of_extension(client.get("/podkeeper/memory").content, 1.0)
        fields = {name: getattr(told, name) for name in told.__struct_fields__}
        assert [name for name, value in fields.items() if value is None] == ["error"]
        assert None not in msgspec.structs.astuple(told.last_job)
        assert None not in msgspec.structs.astuple(told.baseline)


def test_stacks_as_text_have_one_form(webui: Loaded, simulated: TestClient) -> None:
    """People read the same from both."""
    for client in (webui.client, simulated):
        answer = client.get("/podkeeper/stacks?format=text")
        assert answer.headers["content-type"].startswith("text/plain")
        assert '"MainThread", most recent call last:\n' in answer.text


@pytest.fixture
def address(webui: Loaded) -> Iterator[str]:
    """Return where a real server serves the WebUI, with a route that waits for the queue."""

    def job() -> None:
        webui.host.job()

    webui.app.add_api_route("/job", job, methods=["POST"])
    listener = socket.create_server(("127.0.0.1", 0), backlog=2 * CROWD)
    server = uvicorn.Server(uvicorn.Config(webui.app, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listener.close()


def test_nothing_waits_behind_forty_jobs(webui: Loaded, address: str) -> None:
    """With all of A1111's threads taken by waiting jobs every route answers, and names them."""
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(httpx.post(f"{address}/job", timeout=60).status_code)

    crowd = [threading.Thread(target=ask) for _ in range(CROWD)]
    with webui.host.lock:
        for each in crowd:
            each.start()
        told = until(lambda: _waiting(address) >= 40 and _waiting(address))
        assert told == 40
        assert httpx.get(f"{address}/podkeeper/memory").status_code == 200
        skipped = httpx.post(f"{address}/podkeeper/reclaim", json={"wait_s": 0}).json()
        assert skipped["idle"] is False
    for each in crowd:
        each.join(60)
    assert statuses == [200] * CROWD


def _waiting(address: str) -> int:
    """Return how many threads the stacks show at the job's route."""
    threads = httpx.get(f"{address}/podkeeper/stacks", timeout=20).json()["threads"]
    names = [[frame["function"] for frame in each["frames"]] for each in threads]
    return sum("job" in each for each in names)


def test_the_extension_is_written_for_the_webuis_python() -> None:
    """A1111 runs on Python 3.10: every file of the extension can be read by it."""
    folder = Path(hooks.webui_extension.__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert len(files) > 10
    for path in files:
        ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=(3, 10))
