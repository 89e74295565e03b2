"""Whole jobs through the handler on the simulated WebUI, whose card really runs out."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from fitting_standin import TABLE
from handler_standins import PATIENCE_S
from worker_standin import run, worker

# Shared with the simulator's own tests; test folders are not packages.
sys.path.append(str(Path(__file__).parents[1] / "sim_webui"))

from sim_webui_client import settings

from podkeeper.sim.webui.app import make_app
from podkeeper.sim.webui.world import World, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handler.worker import Worker

GIB = 1 << 30


class Served:
    """A simulator that serves in a thread."""

    def __init__(self, world: World) -> None:
        self.world = world
        config = uvicorn.Config(make_app(world), port=0, log_config=None, access_log=False)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        deadline_s = time.monotonic() + PATIENCE_S
        while not self.server.started:
            assert time.monotonic() < deadline_s
            time.sleep(0.005)

    @property
    def readiness_url(self) -> str:
        """Return what answers 200 once it is ready."""
        (listener,) = self.server.servers[0].sockets
        port = listener.getsockname()[1]
        return f"http://127.0.0.1:{port}/sdapi/v1/progress?skip_current_image=true"

    def close(self) -> None:
        """Stop serving."""
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)


@contextlib.contextmanager
def simulator(**changes: Any) -> Iterator[Served]:
    """Run a simulated server with changed settings, its checkpoint loaded."""
    world = make_world(settings(**changes))
    world.models.ready()
    served = Served(world)
    try:
        yield served
    finally:
        served.close()


def small(made: Worker, **fields: Any) -> dict[str, Any]:
    """Return what a job with one step ends with."""
    return run(made, steps=1, **fields)


def server(served: Served) -> Any:
    """Return a simulator as the stand-in it takes the place of."""
    return served


def test_a_recut_job_has_the_pictures_of_one_that_is_not(tmp_path: Path) -> None:
    """On a card that is too small for its batch it ends with the very same images and infos."""
    asked = {"batch_size": 5, "n_iter": 2, "width": 576, "height": 576, "negative_prompt": "dull"}
    with simulator(vram_bytes=24 * GIB) as large, simulator(vram_bytes=int(4.66 * GIB)) as tight:
        whole = small(worker(server(large), tmp_path / "a"), **asked)
        cut = small(worker(server(tight), tmp_path / "b"), **asked)
        assert tight.world.card.ooms == 0
    assert whole["memory"]["batches"] == [5, 5]
    assert len(cut["memory"]["batches"]) > 2
    assert cut["images"] == whole["images"]
    assert cut["seeds"] == whole["seeds"]
    same = {"job_timestamp"}
    assert {k: v for k, v in cut["info"].items() if k not in same} == {
        k: v for k, v in whole["info"].items() if k not in same
    }
    assert cut["parameters"] == whole["parameters"]


@pytest.mark.parametrize("gib", [4, 6, 8, 12])
def test_what_is_planned_to_fit_fits_on_the_simulated_card(tmp_path: Path, gib: int) -> None:
    """On a card true to the table each job runs or is refused at once, and none runs out."""
    with simulator(vram_bytes=gib * GIB) as sim:
        made = worker(server(sim), tmp_path)
        ends = [
            small(made, width=side, height=side, batch_size=batch)
            for side in (512, 768, 1024)
            for batch in (1, 8)
        ]
        assert sim.world.card.ooms == 0
    codes = [each["error_detail"]["code"] for each in ends if "error" in each]
    assert codes == ["VRAM_TOO_SMALL"] * {4: 4, 6: 2, 8: 0, 12: 0}[gib]


def test_jobs_that_differ_from_each_other_all_end_with_their_images(tmp_path: Path) -> None:
    """On a card whose jobs spread, what runs out is made in smaller batches all the same."""
    with simulator(vram_bytes=4 * GIB, vram_spread_ratio=0.1) as sim:
        made = worker(server(sim), tmp_path)
        ends = [small(made, batch_size=6, seed=index) for index in range(14)]
    assert all(len(each["images"]) == 6 for each in ends)
    # What was learned keeps later ones from running out.
    assert not [each for each in ends[-6:] if each["memory"]["retries"]]


def test_the_peak_of_each_job_is_measured_by_the_extension(tmp_path: Path) -> None:
    """A smaller job after a larger one has its own peak, which no record of the process shows."""
    with simulator(vram_bytes=12 * GIB) as sim:
        made = worker(server(sim), tmp_path)
        large, small_one = (
            small(made, width=side, height=side)["memory"]["observed_peak_bytes"]
            for side in (768, 512)
        )
    weights = TABLE.family["sd15"].weights_bytes + TABLE.terms.context_bytes
    assert weights < small_one < large


@pytest.mark.parametrize("seen_as", ["OutOfMemoryError", "ExceptionGroup", "text"])
def test_an_out_of_memory_is_known_in_each_of_its_forms(tmp_path: Path, seen_as: str) -> None:
    """The real error, anyio 4's group and Forge's plain text all lead to another try."""
    with simulator(vram_bytes=12 * GIB) as sim:
        made = worker(server(sim), tmp_path)
        small(made)
        sim.world.faults.switch({"oom": {"jobs": 1, "seen_as": seen_as}})
        again = small(made, batch_size=2)
        assert again["memory"]["retries"] == ["retry"]
        assert len(again["images"]) == 2
        assert small(made)["memory"]["retries"] == []


def test_the_ladder_ends_and_the_next_job_succeeds(tmp_path: Path) -> None:
    """A job under which the card runs out every time fails with figures, the next one runs."""
    with simulator(vram_bytes=12 * GIB) as sim:
        made = worker(server(sim), tmp_path, restart=False)
        sim.world.faults.switch({"oom": {"jobs": 5}})
        failed = small(made, batch_size=2)
        assert failed["error"].startswith("VRAM_OOM")
        assert failed["error_detail"]["retries"] == [
            *("retry", "halve_batch", "halves_apart", "reload_model"),
        ]
        assert sim.world.models.on_card
        assert small(made)["images"]


def test_weights_that_were_taken_off_the_card_come_back(tmp_path: Path) -> None:
    """A model that somebody unloaded is loaded again, and the job runs."""
    with simulator(vram_bytes=12 * GIB) as sim:
        made = worker(server(sim), tmp_path)
        sim.world.models.unload()
        assert small(made)["memory"]["retries"] == ["reload_model"]


def test_a_larger_checkpoint_is_planned_as_what_it_is(tmp_path: Path) -> None:
    """A job that brings SDXL needs its weights, too: on a small card it is refused."""
    override = {"override_settings": {"sd_model_checkpoint": "simulatedSDXL"}}
    with simulator(vram_bytes=8 * GIB) as sim:
        made = worker(server(sim), tmp_path)
        refused = small(made, width=1024, height=1024, **override)
        assert refused["error_detail"]["code"] == "VRAM_TOO_SMALL"
        assert refused["error_detail"]["need_bytes"] > TABLE.family["sdxl"].weights_bytes
        assert small(made)["images"]
        assert sim.world.models.loads == 1


def test_the_memory_of_jobs_is_logged_without_their_contents(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What was done about memory is a line of the log; prompts are none of it."""
    with simulator(vram_bytes=12 * GIB) as sim:
        made = worker(server(sim), tmp_path)
        sim.world.faults.switch({"oom": {"jobs": 1}})
        told = small(made, prompt="private")
    assert "webui-0: vram under a job: retry" in caplog.text
    assert "private" not in caplog.text
    json.dump(told["memory"], io.StringIO())
