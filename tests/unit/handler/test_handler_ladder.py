"""How a WebUI whose memory runs out is answered step by step, against a tiny real one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fitting_standin import OUT_OF_MEMORY, CardWebUI, FakeKeeper, write_snapshot
from worker_standin import card_for, run, shapes, worker

from podkeeper.policy.vram_cost import Workload

if TYPE_CHECKING:
    from pathlib import Path


def test_running_out_is_answered_step_by_step(tmp_path: Path) -> None:
    """Try again, halve the batch, halves apart, reload, restart; then fail with figures."""
    keeper = FakeKeeper(tmp_path / "snapshot.json")
    write_snapshot(tmp_path / "snapshot.json")
    with CardWebUI(24 << 30) as server:
        server.script = [OUT_OF_MEMORY] * 20
        made = run(worker(server, tmp_path, keeper), batch_size=4)
        assert [each.get("batch_size") for each in server.bodies] == [4, 4, 2, 1, 1, 1, 1]
        assert [each.get("override_settings") for each in server.bodies[3:]] == [
            None,
            *[{"batch_cond_uncond": False}] * 3,
        ]
        assert server.posts == ["unload-checkpoint", "reload-checkpoint"]
        assert keeper.orders == [("restart", "webui-0")]
        assert made["error"].startswith("VRAM_OOM: the WebUI answered 500: OutOfMemoryError")
        assert made["error_detail"]["retries"] == [
            *("retry", "halve_batch", "halve_batch", "halves_apart"),
            *("reload_model", "restart_webui"),
        ]
        assert made["error_detail"]["need_bytes"] > 0
        server.script = []
        assert run(worker(server, tmp_path, keeper))["images"]


def test_what_was_made_before_memory_ran_out_is_not_made_again(tmp_path: Path) -> None:
    """Only the images that are left run in the smaller batch."""
    with CardWebUI(card_for(Workload(512, 512, batch=3))) as server:
        server.script = ["ok", OUT_OF_MEMORY, OUT_OF_MEMORY]
        made = run(worker(server, tmp_path), batch_size=8)
        assert shapes(server) == [
            (3, 2, 100),
            (2, 1, 106),
            (2, 1, 106),
            (1, 2, 106),
        ]
        assert made["seeds"] == list(range(100, 108))
        assert made["memory"]["retries"] == ["retry", "halve_batch"]


def test_the_death_of_the_webui_costs_only_what_was_not_made(tmp_path: Path) -> None:
    """A recut job goes on with its second request when the WebUI dies under that."""
    with CardWebUI(card_for(Workload(512, 512, batch=3))) as server:
        server.script = ["ok", "die"]
        made = run(worker(server, tmp_path), batch_size=8)
        assert shapes(server) == [(3, 2, 100), (2, 1, 106), (2, 1, 106)]
        assert made["seeds"] == list(range(100, 108))
        assert made["warnings"] == ["the WebUI died 1 time(s); tried again"]


def test_a_job_that_allows_it_is_degraded_and_says_so(tmp_path: Path) -> None:
    """An approximate decoder, then a smaller hires pass; the result tells what is not as asked."""
    hires = {"enable_hr": True, "hr_scale": 2.0, "denoising_strength": 0.5}
    with CardWebUI(24 << 30) as server:
        server.script = [OUT_OF_MEMORY] * 4
        made = run(worker(server, tmp_path), allow_degraded=True, **hires)
        last = server.bodies[-1]
        assert last["override_settings"] == {
            "batch_cond_uncond": False,
            "sd_vae_decode_method": "TAESD",
        }
        assert (last["hr_resize_x"], last["hr_resize_y"]) == (768, 768)
        assert all("allow_degraded" not in each for each in server.bodies)
        assert made["memory"]["degraded"] == [
            "decoded with the tiny decoder instead of the full one",
            "the hires pass has 768x768 pixels instead of 1024x1024",
        ]
        assert made["warnings"] == [f"degraded: {each}" for each in made["memory"]["degraded"]]


def test_a_job_that_does_not_allow_it_is_not_degraded(tmp_path: Path) -> None:
    """Neither decoder nor hires pass change, whatever else is tried."""
    with CardWebUI(24 << 30) as server:
        server.script = [OUT_OF_MEMORY] * 20
        run(worker(server, tmp_path, restart=False), enable_hr=True, denoising_strength=0.5)
        assert all("sd_vae" not in str(each) for each in server.bodies)
        assert all("hr_resize_x" not in each for each in server.bodies)


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_only_true_or_false_allow_degrading(tmp_path: Path, value: Any) -> None:
    """The field is checked like any other, and null counts as not given."""
    with CardWebUI(24 << 30) as server:
        made = run(worker(server, tmp_path), allow_degraded=value)
        assert ("images" in made) == (value is None)


def group(count: int) -> Any:
    """Return an answer with anyio 4's words for whatever went wrong."""
    body = {"error": "ExceptionGroup", "errors": f"unhandled errors ({count} sub-exception)"}
    return (500, "application/json", json.dumps(body).encode())


def test_torchs_count_tells_an_out_of_memory_whose_words_are_lost(tmp_path: Path) -> None:
    """An answer that names nothing is an out-of-memory only where the count has risen."""
    with CardWebUI(24 << 30) as server:
        server.script = [group(1)]
        assert run(worker(server, tmp_path))["error"].startswith("WEBUI_FAILED")

        class Counting(list[Any]):
            def pop(self, index: int = 0) -> Any:  # type: ignore[override]
                server.ooms += 1
                return super().pop(index)

        server.script = Counting([group(1)])
        made = run(worker(server, tmp_path))
        assert made["memory"]["retries"] == ["retry"]


def test_a_broken_cuda_context_restarts_the_webui_at_once(tmp_path: Path) -> None:
    """The job runs again afterwards; nothing milder is tried, and it counts as no death."""
    keeper = FakeKeeper(tmp_path / "snapshot.json")
    write_snapshot(tmp_path / "snapshot.json")
    body = b'{"error":"RuntimeError","errors":"CUDA error: an illegal memory access"}'
    with CardWebUI(24 << 30) as server:
        server.script = [(500, "application/json", body)]
        made = run(worker(server, tmp_path, keeper))
        assert keeper.orders == [("restart", "webui-0")]
        assert made["memory"]["retries"] == ["restart_webui"]
        assert "warnings" not in made


@pytest.mark.parametrize("trouble", ["unreachable", "deaf", "unseen", "forbidden"])
def test_a_restart_that_does_not_come_fails_the_job(tmp_path: Path, trouble: str) -> None:
    """No supervisord, a keeper that does nothing, no snapshot, no permission: the job fails."""
    path = tmp_path / "snapshot.json"
    keeper = FakeKeeper(path, obeys=trouble != "deaf", reachable=trouble != "unreachable")
    if trouble != "unseen":
        write_snapshot(path)
    body = b'{"error":"RuntimeError","errors":"CUDA error: device-side assert triggered"}'
    with CardWebUI(24 << 30) as server:
        server.script = [(500, "application/json", body)]
        made = run(worker(server, tmp_path, keeper, restart=trouble != "forbidden"))
        assert made["error"].startswith("WEBUI_FAILED: the WebUI answered 500: RuntimeError")
        assert len(server.bodies) == 1


def test_a_model_that_is_not_on_the_card_is_loaded_again(tmp_path: Path) -> None:
    """The words of a missing model lead to a reload, not to a smaller batch."""
    body = b'{"error":"AttributeError","errors":"\'NoneType\' object has no attribute \'x\'"}'
    with CardWebUI(24 << 30) as server:
        server.script = [(500, "application/json", body)]
        made = run(worker(server, tmp_path))
        assert server.posts == ["unload-checkpoint", "reload-checkpoint"]
        assert made["memory"]["retries"] == ["reload_model"]
