"""What the extension tells of a WebUI, and to whom."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from webui_standin import MIB, load_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Loaded


def test_memory_tells_what_process_and_torch_hold(webui: Loaded) -> None:
    """RAM, allocator, counters, device and checkpoints are there, and agree with their sources."""
    told = webui.memory()
    assert told["missing"] == {}
    assert (
        0 < told["ram"]["anon_bytes"] <= told["ram"]["rss_bytes"] <= told["ram"]["rss_peak_bytes"]
    )
    assert told["allocator"]["name"] == "glibc"
    assert told["torch"]["inactive_split_bytes"] == 240 * MIB
    assert told["torch"]["fragmentation_ratio"] == 240 / 2000
    assert told["device"] == {"free_bytes": 14384 * MIB, "total_bytes": 16384 * MIB}
    names = ["one.safetensors [abc]", "two.safetensors [def]"]
    assert told["checkpoints"] == {"current": names[0], "names": names}


def test_owners_are_told_when_asked_for(webui: Loaded) -> None:
    """Each part of each checkpoint is named with its bytes, on the device or in RAM."""
    owners = webui.get("memory?owners=1").json()["owners"]
    assert [(each["part"], each["device_bytes"], each["ram_bytes"]) for each in owners] == [
        ("model", 1600 * MIB, 0),
        ("first_stage_model", 160 * MIB, 0),
        ("model", 0, 1600 * MIB),
        ("first_stage_model", 0, 160 * MIB),
    ]
    assert "owners" not in webui.memory()


@pytest.mark.parametrize(
    ("gone", "unknown", "why"),
    [
        ("torch", "torch", "torch is not loaded"),
        ("modules.sd_models", "checkpoints", "modules.sd_models is not loaded"),
    ],
)
def test_what_is_missing_is_said(
    webui: Loaded, monkeypatch: pytest.MonkeyPatch, gone: str, unknown: str, why: str
) -> None:
    """Without torch, or without a module of the WebUI, the rest is told and the reason with it."""
    monkeypatch.delitem(sys.modules, gone)
    told = webui.memory()
    assert told["missing"][unknown] == why
    assert told["ram"]["anon_bytes"] > 0


def test_a_question_never_starts_cuda(webui: Loaded) -> None:
    """Where the WebUI has not used CUDA yet, nobody asks the driver."""
    webui.host.cuda.initialized = False
    webui.host.cuda.memory_stats = None  # type: ignore[assignment, method-assign]
    assert webui.memory()["missing"]["device"] == "CUDA is not in use yet"


def test_a_private_part_that_fails_is_said(webui: Loaded) -> None:
    """An attribute that is gone, or of another kind, is one line and no error of the WebUI."""
    webui.host.data.loaded_sd_models = 3
    told = webui.memory()
    assert told["checkpoints"]["names"] is None
    assert told["missing"]["checkpoints"].startswith("TypeError: ")
    assert told["checkpoints"]["current"] == "one.safetensors [abc]"


def test_a_reading_that_hangs_is_waited_for_once(loaded: Callable[..., Loaded]) -> None:
    """Every asker is told in time, and one thread waits for the driver, not one for each."""
    webui = loaded("extension.read_timeout_s=50ms")
    webui.host.cuda.hangs = threading.Event()
    before = threading.active_count()
    for _ in range(3):
        answer = webui.get("memory")
        assert (answer.status_code, answer.json()["error"][:18]) == (503, "no reading in time")
    assert threading.active_count() <= before + 1
    webui.host.cuda.hangs.set()


def test_the_state_tells_loading_from_loaded(webui: Loaded) -> None:
    """Absent, loading and loaded are told apart, with how often and how the start went."""
    data = webui.host.data
    assert webui.get("state").json()["model"] | {"loaded_after_s": 0} == {
        "state": "loaded",
        "name": "one.safetensors [abc]",
        "loads": 1,
        "loaded_after_s": 0,
    }
    with data.lock:
        assert webui.get("state").json()["model"]["state"] == "loading"
    data.sd_model = None
    assert webui.get("state").json()["model"]["state"] == "absent"
    startup = {"total_s": 9.5, "records": {"import torch": 5.5}}
    assert webui.get("state").json()["startup"] == startup


def test_stacks_name_the_place_where_a_job_hangs(webui: Loaded) -> None:
    """A job that holds the queue is seen by its functions, as JSON and as text."""
    inside, go = threading.Event(), threading.Event()

    def a_place_that_hangs() -> None:
        inside.set()
        go.wait(60)

    job = threading.Thread(target=webui.host.job, args=(a_place_that_hangs,), name="the job")
    job.start()
    inside.wait(60)
    try:
        (thread,) = [
            each for each in webui.get("stacks").json()["threads"] if each["name"] == "the job"
        ]
        assert "a_place_that_hangs" in [each["function"] for each in thread["frames"]]
        text = webui.get("stacks?format=text").text
        assert f"a_place_that_hangs ({__file__}:" in text
    finally:
        go.set()
        job.join()


def test_a_trace_names_where_memory_stays(loaded: Callable[..., Loaded]) -> None:
    """What is allocated while it runs is told by file and line, and only so many places."""
    webui = loaded("extension.profile_sites=5")
    kept: list[bytearray] = []
    ended = threading.Event()

    def allocate() -> None:
        while not ended.wait(0.01):
            kept.append(bytearray(100_000))

    thread = threading.Thread(target=allocate)
    thread.start()
    try:
        told = webui.post("profile", span_s=0.3).json()
    finally:
        ended.set()
        thread.join()
    assert told["sites"][0]["file"] == __file__
    assert told["sites"][0]["bytes"] >= 100_000
    assert told["held_bytes"] >= told["sites"][0]["bytes"]
    assert len(told["sites"]) <= 5


def test_one_trace_at_a_time(webui: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something else traces already, that is left alone and said."""
    monkeypatch.setattr("tracemalloc.is_tracing", lambda: True)
    answer = webui.post("profile", span_s=0)
    assert answer.status_code == 500
    assert answer.json()["error"] == "something else traces allocations already"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"wait_s": 1e9}, 400),
        ({"wait_s": "soon"}, 400),
        ({"wait_s": True}, 400),
        ({"drop_checkpoints": 1}, 400),
        ([1], 400),
        ({"x": "y" * 5000}, 413),
    ],
)
def test_what_cannot_be_understood_is_refused(webui: Loaded, body: Any, status: int) -> None:
    """A value out of bounds, of another kind, or too much of it is refused with a reason."""
    answer = webui.client.post("/podkeeper/reclaim", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_form_of_a_page_is_refused(webui: Loaded) -> None:
    """A page in somebody's browser can post a form without asking, and gets nothing done by it."""
    headers = {"content-type": "text/plain"}
    answer = webui.client.post("/podkeeper/reclaim", content=b"{}", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("address", ["10.0.0.7", "203.0.113.9", "::ffff:10.0.0.7", "testclient"])
def test_other_machines_are_refused(webui: Loaded, address: str) -> None:
    """Whoever does not come from loopback learns nothing."""
    other = TestClient(webui.app, base_url="http://127.0.0.1:3000", client=(address, 1))
    for name in ("memory", "state", "stacks"):
        answer = other.get(f"/podkeeper/{name}")
        assert (answer.status_code, list(answer.json())) == (403, ["error"])
    assert other.post("/podkeeper/reclaim", json={}).status_code == 403


@pytest.mark.parametrize("address", ["::1", "127.0.0.9", "::ffff:127.0.0.1"])
def test_every_loopback_address_may_ask(webui: Loaded, address: str) -> None:
    """IPv6 and mapped addresses of this machine are this machine."""
    own = TestClient(webui.app, base_url="http://localhost:3000", client=(address, 1))
    assert own.get("/podkeeper/state").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"x-forwarded-for": "203.0.113.9"}, {"forwarded": "for=1"}, {"host": "pod.example.net"}],
)
def test_what_a_server_here_hands_on_is_refused(webui: Loaded, headers: dict[str, str]) -> None:
    """A web server in the container comes from loopback, and asks for somebody else."""
    assert webui.client.get("/podkeeper/stacks", headers=headers).status_code == 403


def test_a_reload_of_the_page_adds_nothing_twice(webui: Loaded, tree: Path) -> None:
    """Scripts are loaded and the application is started again: routes and hooks stay one."""
    count = len(webui.app.routes)
    load_script(tree / "extensions" / "podkeeper" / "scripts" / "podkeeper.py")
    for each in webui.host.callbacks.app_started:
        each(None, webui.app)
    webui.host.job()
    assert len(webui.app.routes) == count
    assert webui.memory()["jobs"]["begun"] == 1


def test_without_its_settings_it_does_nothing(
    tree: Path, loaded: Callable[..., Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder copied by hand leaves the WebUI as it was, and says why."""
    loaded()
    folder = tree / "extensions" / "podkeeper"
    (folder / "podkeeper_webui" / "settings.json").unlink()
    for name in [each for each in sys.modules if each.startswith("podkeeper_webui")]:
        del sys.modules[name]
    load_script(folder / "scripts" / "podkeeper.py")
    assert "podkeeper: this extension does nothing: cannot read" in capsys.readouterr().err


def test_a_webui_without_its_state_starts_all_the_same(
    host: Any, loaded: Callable[..., Loaded], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where jobs cannot be watched that is said, and the routes are there."""
    del host.modules["modules.shared"].state
    assert loaded().get("memory").status_code == 200
    assert "cannot watch jobs: modules.shared has no state" in capsys.readouterr().err
