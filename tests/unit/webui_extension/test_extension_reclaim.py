"""Memory given back on request: when, how, and what is said of it."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from webui_standin import MIB, until

if TYPE_CHECKING:
    import pytest
    from conftest import Loaded

STEPS = ["collect_garbage", "empty_cuda_cache", "release_allocator"]


def steps(answer: Any) -> dict[str, Any]:
    """Return the steps of an answer by name."""
    return {each["name"]: each for each in answer.json()["steps"]}


def test_an_idle_webui_gives_back_its_caches(webui: Loaded) -> None:
    """Each step says what it did and freed, and the sum is told for RAM and video memory."""
    answer = webui.post("reclaim", wait_s=0)
    told = answer.json()
    assert told["idle"] is True
    assert list(steps(answer)) == STEPS
    assert all(each["done"] for each in told["steps"])
    assert steps(answer)["empty_cuda_cache"]["vram_freed_bytes"] == 240 * MIB
    assert told["vram"] == {
        "before_bytes": 2000 * MIB,
        "after_bytes": 1760 * MIB,
        "freed_bytes": 240 * MIB,
    }
    ram = told["ram"]
    assert ram["freed_bytes"] == ram["before_bytes"] - ram["after_bytes"]
    assert not webui.host.trashed
    assert webui.host.lock.acquire(blocking=False)


def test_spare_checkpoints_go_when_asked_for(webui: Loaded) -> None:
    """All but the one in use are dropped, with the files that are cached, and named."""
    two = webui.host.data.loaded_sd_models[1]
    webui.host.modules["modules.sd_models"].checkpoints_loaded["file"] = {}
    answer = webui.post("reclaim", drop_checkpoints=True)
    step = steps(answer)["drop_checkpoints"]
    assert (step["done"], step["detail"]) == (True, "two.safetensors [def]; 1 cached files")
    assert webui.host.trashed == [two]
    assert webui.memory()["checkpoints"]["names"] == ["one.safetensors [abc]"]


def test_no_checkpoint_goes_where_none_is_in_use(webui: Loaded) -> None:
    """A WebUI between two checkpoints keeps both, and says so."""
    webui.host.data.sd_model = None
    step = steps(webui.post("reclaim", drop_checkpoints=True))["drop_checkpoints"]
    assert (step["done"], step["detail"]) == (False, "no checkpoint is the current one")
    assert len(webui.host.data.loaded_sd_models) == 2


def test_nothing_is_done_inside_a_job(webui: Loaded) -> None:
    """While a job runs nothing is touched, and each step says what it waited for."""
    with webui.host.lock:
        answer = webui.post("reclaim", wait_s=0.1, drop_checkpoints=True)
    told = answer.json()
    assert told["idle"] is False
    assert list(steps(answer)) == ["drop_checkpoints", *STEPS]
    assert {each["detail"] for each in told["steps"]} == {"a job held the queue for 0.1 s"}
    assert not any(each["done"] for each in told["steps"])
    assert webui.host.cuda.reserved == 2000 * MIB


def test_the_end_of_a_job_is_waited_for(webui: Loaded) -> None:
    """A job that ends within the wait makes room for it."""
    inside, go = threading.Event(), threading.Event()

    def work() -> None:
        inside.set()
        go.wait(60)

    job = threading.Thread(target=webui.host.job, args=(work,))
    job.start()
    inside.wait(60)
    threading.Timer(0.2, go.set).start()
    assert webui.post("reclaim", wait_s=20).json()["idle"] is True
    job.join()


def test_a_webui_without_a_queue_lock_is_left_alone(
    webui: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody can tell whether a job runs nothing is done, and that is said."""
    monkeypatch.delitem(sys.modules, "modules.call_queue")
    told = webui.post("reclaim").json()
    why = "cannot tell whether a job runs: modules.call_queue is not loaded"
    assert {each["detail"] for each in told["steps"]} == {why}


def test_one_step_that_fails_stops_no_other(webui: Loaded) -> None:
    """Without CUDA the rest is done, and what is missing is named."""
    webui.host.cuda.initialized = False
    told = webui.post("reclaim").json()
    assert [(each["name"], each["done"]) for each in told["steps"]] == [
        ("collect_garbage", True),
        ("empty_cuda_cache", False),
        ("release_allocator", True),
    ]
    assert told["steps"][1]["detail"] == "CUDA is not in use yet"
    assert told["vram"] == {"before_bytes": None, "after_bytes": None, "freed_bytes": None}


def test_one_request_at_a_time(webui: Loaded) -> None:
    """A second is refused while the first waits; asking for memory is not."""
    answers: list[Any] = []
    with webui.host.lock:
        first = threading.Thread(target=lambda: answers.append(webui.post("reclaim", wait_s=30)))
        first.start()
        until(lambda: "podkeeper reclaim" in [each.name for each in threading.enumerate()])
        second = webui.post("reclaim")
        assert (second.status_code, second.json()) == (409, {"error": "a reclaim is under way"})
        assert webui.get("memory").status_code == 200
    first.join()
    assert answers[0].json()["idle"] is True
