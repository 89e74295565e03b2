"""The simulated WebUI as one that has podkeeper's extension: what it tells, what it gives back."""

from __future__ import annotations

import itertools
import os
import threading
from typing import TYPE_CHECKING, Any

from podkeeper.probes.process import memory_of
from podkeeper.sim.webui.vram import CONTEXT_BYTES, MIB, SD15, SDXL, Workload, need

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim_webui_client import Sim

    MakeSim = Callable[..., Sim]


def told(sim: Sim) -> Any:
    """Return what the route of memory tells."""
    return sim.get("/podkeeper/memory").json()


def reclaimed(sim: Sim, **asked: Any) -> Any:
    """Return what came of giving memory back."""
    answer = sim.post("/podkeeper/reclaim", {"wait_s": 0, **asked})
    assert answer.status_code == 200
    return answer.json()


def own_bytes() -> int:
    """Return what this process holds."""
    held = memory_of(os.getpid())
    assert held is not None
    return held


def test_without_the_extension_it_is_a_bare_server(make_sim: MakeSim) -> None:
    """Switched off, none of its routes is there, and the real server's are."""
    sim = make_sim(extension=False)
    for name in ("memory", "state", "stacks"):
        assert sim.get(f"/podkeeper/{name}").status_code == 404
    assert sim.post("/podkeeper/reclaim", {}).status_code == 404
    assert sim.get("memory").status_code == 200


def test_it_says_that_it_is_a_simulator(sim: Sim) -> None:
    """Each answer does."""
    for name in ("memory", "state", "stacks"):
        assert sim.get(f"/podkeeper/{name}").json()["extension"]["simulator"] is True


def test_what_is_kept_for_later_is_given_back_and_a_leak_is_not(make_sim: MakeSim) -> None:
    """Both are real memory of this process; reclaiming takes the one and leaves the other."""
    sim = make_sim(faults=["cache:bytes=33554432", "leak:bytes=16777216"])
    sim.wait(lambda: sim.world.models.loaded)
    before = own_bytes()
    for _ in range(2):
        assert sim.txt2img().status_code == 200
    assert own_bytes() - before > 90 * MIB
    assert reclaimed(sim)["ram"]["freed_bytes"] == 64 * MIB
    assert 30 * MIB < own_bytes() - before < 60 * MIB
    assert reclaimed(sim)["ram"]["freed_bytes"] == 0
    assert sim.get("/sim").json()["memory"]["leaked_bytes"] == 32 * MIB


def test_real_memory_is_really_given_back(make_sim: MakeSim) -> None:
    """Where the model's memory is real, a spare checkpoint's is too, and the answer measures it."""
    sim = make_sim(real_ram=True, checkpoint_ram_bytes=64 * MIB)
    sim.wait(lambda: sim.world.models.loaded)
    sim.post("options", {"sd_checkpoints_limit": 2})
    sim.post("options", {"sd_model_checkpoint": "simulatedSD15b"})
    names = told(sim)["checkpoints"]["names"]
    assert [name.partition(".")[0] for name in names] == ["simulatedSD15b", "simulatedSD15"]
    reclaimed(sim)  # and with it what earlier tests have left in this process
    freed = reclaimed(sim, drop_checkpoints=True)
    assert 60 * MIB < freed["ram"]["freed_bytes"] < 80 * MIB
    assert len(told(sim)["checkpoints"]["names"]) == 1
    assert sim.txt2img().status_code == 200


def test_a_kept_checkpoint_is_not_read_again(make_sim: MakeSim) -> None:
    """Switching back to one that is kept takes no load's time; beyond the limit the oldest goes."""
    sim = make_sim(load_s=0.2)
    sim.wait(lambda: sim.world.models.loaded)
    sim.post("options", {"sd_checkpoints_limit": 2})
    held = sim.world.ram.model_bytes
    sim.post("options", {"sd_model_checkpoint": "simulatedSD15b"})
    both = sim.world.ram.model_bytes
    sim.world.models._read = None  # type: ignore[method-assign, assignment]
    sim.post("options", {"sd_model_checkpoint": "simulatedSD15"})
    assert sim.world.ram.model_bytes == both > held
    del sim.world.models._read
    sim.post("options", {"sd_model_checkpoint": "simulatedSDXL"})
    assert [each.model_name for each in sim.world.models.spare] == ["simulatedSD15"]


def test_the_cache_of_a_failed_job_is_given_back(make_sim: MakeSim) -> None:
    """What the card still reserves after an out-of-memory goes at once, not with the next job."""
    work = Workload(SD15, 1024, 1024, 1)
    sim = make_sim(vram_bytes=CONTEXT_BYTES + SD15.weights_bytes + need(work).peak_bytes - 1)
    assert sim.txt2img(width=1024, height=1024).status_code == 500
    assert told(sim)["torch"]["fragmentation_ratio"] > 0
    assert told(sim)["jobs"]["last"]["ooms"] == 1
    assert reclaimed(sim)["vram"]["freed_bytes"] > 0
    assert told(sim)["torch"]["reserved_bytes"] == SD15.weights_bytes
    assert told(sim)["jobs"]["last"]["ooms"] == 1


def test_peaks_are_those_of_one_job(sim: Sim) -> None:
    """A small job after a large one has a small peak, while the server's own peaks stay."""
    sim.txt2img(width=512, height=512)
    large = told(sim)["jobs"]["last"]
    sim.txt2img()
    small = told(sim)["jobs"]["last"]
    assert large["allocated_peak_bytes"] > small["allocated_peak_bytes"] >= SD15.weights_bytes
    lifetime = sim.get("memory").json()["cuda"]["allocated"]["peak"]
    assert lifetime == large["allocated_peak_bytes"]


def test_a_switch_of_checkpoints_is_in_its_jobs_peak(sim: Sim) -> None:
    """While one is read the other is still there: the job's peak of RAM holds both."""
    before = told(sim)["ram"]["anon_bytes"]
    sim.txt2img(override_settings={"sd_model_checkpoint": "simulatedSDXL"}, steps=1)
    last = told(sim)["jobs"]["last"]
    assert last["ram_anon_peak_bytes"] > told(sim)["ram"]["anon_bytes"] > before
    assert last["allocated_peak_bytes"] > SDXL.weights_bytes


def test_a_baseline_belongs_to_its_job(sim: Sim) -> None:
    """What is left after a job is told with the job's number, and grows with a leak."""
    sim.post("/sim/faults", {"leak": {"bytes": MIB}})
    found = []
    for _ in range(3):
        sim.txt2img()
        found.append(told(sim)["jobs"]["baseline"])
    assert [each["number"] for each in found] == [1, 2, 3]
    sizes = [each["ram_anon_bytes"] for each in found]
    assert [later - sooner for sooner, later in itertools.pairwise(sizes)] == [MIB, MIB]


def test_nothing_is_given_back_inside_a_job(make_sim: MakeSim) -> None:
    """A job that stands still holds the queue: stacks are told, reclaiming is left out."""
    sim = make_sim(faults=["hang"])
    job = sim.later(sim.txt2img)
    sim.wait(lambda: told(sim)["jobs"]["running"] and sim.world.progress.ratio >= 0.5)
    skipped = reclaimed(sim, wait_s=0.05)
    assert (skipped["idle"], {each["done"] for each in skipped["steps"]}) == (False, {False})
    text = sim.get("/podkeeper/stacks?format=text").text
    assert "_passes" in text
    sim.post("/sim/faults", {"hang": None})
    assert job.result().status_code == 200
    assert reclaimed(sim, wait_s=20)["idle"] is True


def test_a_hang_of_all_routes_is_one_of_these_too(make_sim: MakeSim) -> None:
    """Where the event loop stands still nobody answers, the extension included."""
    sim = make_sim(faults=["hang:scope=all"])
    asked = sim.later(lambda: sim.get("/podkeeper/stacks"))
    assert sim.get("/sim").status_code == 200
    assert asked.running
    sim.post("/sim/faults", {"hang": None})
    assert asked.result().status_code == 200


def test_the_state_tells_of_a_load(make_sim: MakeSim) -> None:
    """Loading and loaded are told apart."""
    sim = make_sim(load_s=1.0)
    sim.wait(lambda: sim.world.models.loading)
    assert sim.get("/podkeeper/state").json()["model"]["state"] == "loading"
    sim.wait(lambda: sim.world.models.loaded)
    sim.wait(lambda: sim.get("/podkeeper/state").json()["model"]["state"] == "loaded")
    assert sim.get("/podkeeper/state").json()["model"]["loads"] == 1


def test_without_a_card_its_figures_are_unknown(make_sim: MakeSim) -> None:
    """A server without a card says so, and gives RAM back all the same."""
    sim = make_sim(vram_bytes=0)
    assert (told(sim)["torch"], told(sim)["device"]) == (None, None)
    assert told(sim)["missing"] == {"torch": "the simulated server has no card"}
    assert reclaimed(sim)["vram"]["freed_bytes"] is None


def test_waiting_jobs_hold_up_no_question(make_sim: MakeSim) -> None:
    """With every thread taken by waiting jobs memory is told at once."""
    sim = make_sim(threads=2, faults=["hang"])
    jobs = [sim.later(sim.txt2img) for _ in range(3)]
    sim.wait(lambda: sim.world.queue.depth == 2)
    answered = threading.Event()
    sim.later(lambda: (told(sim), answered.set()))
    assert answered.wait(20)
    sim.world.faults.switch({"hang": None})
    assert {job.result().status_code for job in jobs} == {200}
