"""The simulated WebUI's memory: checkpoints, the pretended card, the answers about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.sim.webui.vram import CONTEXT_BYTES, MIB, SD15, SDXL, Workload, need

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim_webui_client import Sim

    MakeSim = Callable[..., Sim]

SIDES = st.integers(1, 256).map(lambda each: each * 8)


def cuda(sim: Sim) -> Any:
    """Return what the server says of its card."""
    return sim.get("memory").json()["cuda"]


@pytest.mark.parametrize(
    ("work", "wanted_mib"),
    [
        (Workload(SD15, 512, 512, 1), 3150),
        (Workload(SD15, 512, 512, 8), 3714),
        (Workload(SD15, 768, 768, 1), 4612),
        (Workload(SDXL, 1024, 1024, 1), 11226),
        (Workload(SDXL, 1024, 1024, 8), 13806),
    ],
)
def test_the_model_is_near_the_replayed_allocations(work: Workload, wanted_mib: int) -> None:
    """Weights and peak are within a tenth of what replaying the real modules' allocations gave."""
    total_mib = (work.family.weights_bytes + need(work).peak_bytes) / MIB
    assert total_mib == pytest.approx(wanted_mib, rel=0.1)


@given(
    family=st.sampled_from([SD15, SDXL]),
    width=SIDES,
    height=SIDES,
    batch=st.integers(1, 15),
    tiny=st.booleans(),
)
def test_more_pixels_and_more_pictures_never_need_less(
    family: Any, width: int, height: int, batch: int, *, tiny: bool
) -> None:
    """The need grows with width, height and batch, and what lives never exceeds what is held."""
    here = need(Workload(family, width, height, batch, tiny_decoder=tiny))
    for more in (
        (width + 8, height, batch),
        (width, height + 8, batch),
        (width, height, batch + 1),
    ):
        assert need(Workload(family, *more, tiny_decoder=tiny)).peak_bytes >= here.peak_bytes
    assert here.sampling_bytes <= here.peak_bytes
    assert here.peak_allocated_bytes <= here.peak_bytes


def test_the_answer_has_the_shape_of_torchs_counters(sim: Sim) -> None:
    """System, current and peak figures and events are there and agree with each other."""
    sim.txt2img(width=512, height=512)
    told = cuda(sim)
    assert list(told) == ["system", "active", "allocated", "reserved", "inactive", "events"]
    assert told["system"]["free"] + told["system"]["used"] == told["system"]["total"] == 12 << 30
    assert told["allocated"]["current"] == SD15.weights_bytes
    assert told["reserved"]["peak"] > told["allocated"]["peak"] > SD15.weights_bytes
    assert told["events"] == {"retries": 0, "oom": 0}


def test_a_job_above_the_card_runs_out_of_memory(make_sim: MakeSim) -> None:
    """It gets the real error with torch's words, it is counted, and a smaller job then works."""
    room = CONTEXT_BYTES + SD15.weights_bytes + need(Workload(SD15, 512, 512, 4)).peak_bytes
    sim = make_sim(vram_bytes=room)
    failed = sim.txt2img(width=768, height=768)
    assert failed.status_code == 500
    assert failed.json()["error"] == "OutOfMemoryError"
    assert failed.json()["errors"].startswith("CUDA out of memory. Tried to allocate ")
    assert cuda(sim)["events"]["oom"] == 1
    assert sim.txt2img(width=512, height=512, batch_size=4, steps=1).status_code == 200


def test_halving_the_batch_or_a_tiny_decoder_makes_a_job_fit(make_sim: MakeSim) -> None:
    """What frees video memory on a real card frees it here: smaller batches, halves, decoder."""
    batch = Workload(SD15, 512, 512, 16)
    base = CONTEXT_BYTES + SD15.weights_bytes
    sim = make_sim(vram_bytes=base + need(batch).peak_bytes - 1)
    asked: dict[str, Any] = {"width": 512, "height": 512, "steps": 1}
    assert sim.txt2img(**asked, batch_size=16).json()["error"] == "OutOfMemoryError"
    assert sim.txt2img(**asked, batch_size=8, n_iter=2, send_images=False).status_code == 200
    less = {"batch_cond_uncond": False}
    answer = sim.txt2img(**asked, batch_size=16, send_images=False, override_settings=less)
    assert answer.status_code == 200
    tiny = {"sd_vae_decode_method": "TAESD"}
    big: dict[str, Any] = {"width": 1024, "height": 1024, "steps": 1, "send_images": False}
    assert sim.txt2img(**big).json()["error"] == "OutOfMemoryError"
    assert sim.txt2img(**big, override_settings=tiny).status_code == 200


def test_the_cache_of_a_failed_job_stays_until_the_next(make_sim: MakeSim) -> None:
    """After an out-of-memory while decoding the reserve stays high, and the next job clears it."""
    work = Workload(SD15, 1024, 1024, 1)
    sim = make_sim(vram_bytes=CONTEXT_BYTES + SD15.weights_bytes + need(work).peak_bytes - 1)
    assert sim.txt2img(width=1024, height=1024).status_code == 500
    assert cuda(sim)["reserved"]["current"] > SD15.weights_bytes
    assert sim.txt2img().status_code == 200
    assert cuda(sim)["reserved"]["current"] == SD15.weights_bytes


def test_taking_the_checkpoint_off_the_card_frees_video_memory_alone(sim: Sim) -> None:
    """Unloading frees VRAM and no RAM, jobs then fail, and reloading mends it."""
    used = sim.get("memory").json()["ram"]["used"]
    for _ in range(2):
        assert sim.post("unload-checkpoint").json() == {}
    assert cuda(sim)["allocated"]["current"] == 0
    assert sim.get("memory").json()["ram"]["used"] == used
    assert "same device" in sim.txt2img().json()["errors"]
    assert sim.post("reload-checkpoint").json() == {}
    assert sim.txt2img().status_code == 200


def test_another_checkpoint_takes_other_memory(sim: Sim) -> None:
    """Switching by option loads the other one: its hash, its VRAM and its RAM."""
    before = sim.get("memory").json()["ram"]["used"]
    assert sim.post("options", {"sd_model_checkpoint": "simulatedSDXL"}).json() is None
    options = sim.get("options").json()
    listed = {each["model_name"]: each for each in sim.get("sd-models").json()}["simulatedSDXL"]
    assert options["sd_model_checkpoint"] == listed["title"]
    assert options["sd_checkpoint_hash"] == listed["sha256"]
    assert cuda(sim)["allocated"]["current"] == SDXL.weights_bytes
    assert sim.get("memory").json()["ram"]["used"] > 2 * before


def test_a_job_may_bring_its_own_checkpoint(sim: Sim) -> None:
    """An override holds for its job, the option returns, and the next job loads the old one."""
    override = {"override_settings": {"sd_model_checkpoint": "simulatedSD15b"}}
    names = [
        json.loads(sim.txt2img(**asked).json()["info"])["sd_model_name"]
        for asked in (override, {}, {**override, "override_settings_restore_afterwards": False}, {})
    ]
    assert names == ["simulatedSD15b", "simulatedSD15", "simulatedSD15b", "simulatedSD15b"]
    assert sim.world.models.loads == 4


def test_a_corrupt_checkpoint_leaves_the_old_one(sim: Sim) -> None:
    """By option it is passed over in silence, by override the job fails; then all is as before."""
    assert sim.post("options", {"sd_model_checkpoint": "broken"}).status_code == 200
    failed = sim.txt2img(override_settings={"sd_model_checkpoint": "broken"})
    assert (failed.status_code, failed.json()["error"]) == (500, "SafetensorError")
    assert json.loads(sim.txt2img().json()["info"])["sd_model_name"] == "simulatedSD15"


def test_a_job_waits_for_the_load_that_nothing_tells_of(make_sim: MakeSim) -> None:
    """While the checkpoint loads the server looks idle and its hash is not yet there."""
    sim = make_sim(load_s=1.0)
    job = sim.later(sim.txt2img)
    assert sim.get("options").json()["sd_checkpoint_hash"] == ""
    assert sim.get("memory").status_code == 200
    assert job.result().status_code == 200
    assert len(sim.get("options").json()["sd_checkpoint_hash"]) == 64


def test_real_ram_is_really_there(make_sim: MakeSim) -> None:
    """With real_ram the process grows by the checkpoint, and leaks stay after each job."""
    before = psutil.Process().memory_info().rss
    sim = make_sim(real_ram=True, checkpoint_ram_bytes=96 * MIB, leak_bytes=32 * MIB)
    sim.wait(lambda: sim.world.models.loaded)
    assert psutil.Process().memory_info().rss - before > 90 * MIB
    for _ in range(2):
        sim.txt2img()
    assert sim.world.ram.leaked_bytes == 64 * MIB
    assert sim.get("memory").json()["ram"]["used"] - before > 150 * MIB


def test_a_job_can_take_ram_at_once(make_sim: MakeSim) -> None:
    """The fault is met once, by the job after so many, and what it took stays."""
    sim = make_sim(faults=[f"fill:bytes={32 * MIB}:after_jobs=1:at_progress=0"])
    sim.txt2img()
    assert sim.world.ram.leaked_bytes == 0
    before = psutil.Process().memory_info().rss
    for _ in range(2):
        sim.txt2img()
    assert sim.world.ram.leaked_bytes == 32 * MIB
    assert psutil.Process().memory_info().rss - before > 30 * MIB
