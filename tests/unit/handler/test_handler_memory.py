"""How jobs are fitted to a card, and what their peaks teach, against a tiny real WebUI."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from fitting_standin import MIB, OUT_OF_MEMORY, RAM_LIMIT_BYTES, TABLE, CardWebUI, write_snapshot
from handler_standins import StandInWebUI, image
from worker_standin import COLD, RESERVE, card_for, run, shapes, worker

from podkeeper.policy.batch_plan import largest_batch
from podkeeper.policy.vram_cost import Workload

if TYPE_CHECKING:
    from pathlib import Path


def test_a_job_that_fits_is_sent_as_it_was_asked(tmp_path: Path) -> None:
    """Where there is room the request is the client's own, and the receipt says so."""
    with CardWebUI(24 << 30) as server:
        made = run(worker(server, tmp_path), batch_size=4, n_iter=2)
        assert shapes(server) == [(4, 2, 100)]
        assert "override_settings" not in server.bodies[0]
        assert made["memory"]["batches"] == [4, 4]
        assert made["memory"]["requests"] == 1
        assert made["memory"]["retries"] == made["memory"]["degraded"] == []
        assert 0 < made["memory"]["planned_peak_bytes"] < made["memory"]["limit_bytes"]


def test_a_job_is_recut_so_that_it_fits_and_stays_one_job(tmp_path: Path) -> None:
    """Its images, seeds and sizes come back as if one request had made them."""
    work = Workload(512, 512, batch=3)
    with CardWebUI(card_for(work)) as server:
        assert largest_batch(COLD, Workload(512, 512, batch=8), card_for(work) - RESERVE) == 3
        made = run(worker(server, tmp_path), batch_size=8)
        assert shapes(server) == [(3, 2, 100), (2, 1, 106)]
        assert [each["subseed"] for each in server.bodies] == [7, 13]
        assert made["images"] == [image(seed) for seed in range(100, 108)]
        assert made["seeds"] == made["info"]["all_seeds"] == list(range(100, 108))
        assert made["parameters"]["batch_size"] == 8
        assert made["parameters"]["n_iter"] == 1
        assert made["parameters"]["seed"] == 100
        assert made["memory"]["batches"] == [3, 3, 2]


def test_a_recut_job_with_varied_subseeds_keeps_its_one_seed(tmp_path: Path) -> None:
    """Where subseeds vary the images, the seed is the same for all and only the subseed counts."""
    with CardWebUI(card_for(Workload(512, 512, batch=3))) as server:
        run(worker(server, tmp_path), batch_size=5, subseed_strength=0.5)
        assert shapes(server) == [(3, 1, 100), (2, 1, 100)]
        assert [each["subseed"] for each in server.bodies] == [7, 10]


def test_progress_of_a_recut_job_is_that_of_the_whole(tmp_path: Path) -> None:
    """A second request does not begin at zero again."""
    told: list[Any] = []
    work = Workload(512, 512, batch=3)
    with CardWebUI(card_for(work)) as server:
        server.script = ["ok", "hang"]
        server.progress = {
            "progress": 0.5,
            "state": {
                "job": "scripts_txt2img",
                "sampling_step": 5,
                "sampling_steps": 10,
                "job_no": 0,
                "job_count": 1,
            },
        }

        def post(_job: str, message: dict[str, object]) -> None:
            told.append(message["progress"])
            if told[-1] == 0.875:
                server.release.set()

        run(worker(server, tmp_path, post=post), batch_size=8)
        assert told[-1] == 0.875  # six of eight images, and half of the last two


@pytest.mark.parametrize(
    "fields",
    [
        {"sampler_name": "DPM adaptive"},
        {"script_name": "dice"},
        {"alwayson_scripts": {"dice": {"args": []}}},
    ],
)
def test_what_makes_other_images_in_other_batches_is_not_recut(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    """One step size for the batch and scripts with luck of their own bind the batch."""
    with CardWebUI(card_for(Workload(512, 512, batch=3))) as server:
        server.lists["samplers"] = [{"name": "DPM adaptive", "aliases": ["k_dpm_ad"]}]
        made = run(worker(server, tmp_path), batch_size=8, **fields)
        assert all(batch == 8 for batch, _, _ in shapes(server))
        assert "error" in made or made["memory"]["batches"] == [8]


def test_several_init_images_bind_the_batch(tmp_path: Path) -> None:
    """The WebUI pairs each init image with one of the batch."""
    with CardWebUI(24 << 30) as server:
        server.script = [OUT_OF_MEMORY]
        run(worker(server, tmp_path), init_images=[image(), image()])
        assert all(len(each["init_images"]) == 2 for each in server.bodies)
        assert len({json.dumps(each, sort_keys=True) for each in server.bodies}) == 1


def test_a_job_that_can_never_fit_is_refused_with_figures(tmp_path: Path) -> None:
    """The WebUI is not asked, and the client learns need, room and what would fit."""
    with CardWebUI(6 << 30) as server:
        made = run(worker(server, tmp_path), width=2048, height=2048)
        assert server.bodies == []
        assert made["error"].startswith("VRAM_TOO_SMALL: the job needs about ")
        detail = made["error_detail"]
        assert detail["need_bytes"] > detail["have_bytes"] > 0
        (size,) = detail["sizes_that_fit"]
        width, height = map(int, size.split("x"))
        assert run(worker(server, tmp_path), width=width, height=height)["images"]


def test_nothing_is_refused_where_nothing_is_known_of_the_card(tmp_path: Path) -> None:
    """A WebUI without a card's figures, and no snapshot, gets the job as it is."""
    with StandInWebUI() as server:
        made = run(worker(server, tmp_path), width=2048, height=2048, batch_size=16)
        assert shapes(server) == [(16, 1, 100)]
        assert made["memory"]["limit_bytes"] is None


def test_the_watchdogs_snapshot_tells_the_cards_size_where_the_webui_does_not(
    tmp_path: Path,
) -> None:
    """NVML's figure stands in for a WebUI that says nothing of its card."""
    write_snapshot(tmp_path / "snapshot.json", gpu_bytes=6 << 30)
    with StandInWebUI() as server:
        made = run(worker(server, tmp_path), width=2048, height=2048)
        assert made["error_detail"]["have_bytes"] == (6 << 30) - RESERVE


def test_planning_can_be_switched_off(tmp_path: Path) -> None:
    """A WebUI that fits its steps by itself gets jobs as they are; failures are still answered."""
    with CardWebUI(6 << 30) as server:
        server.script = [OUT_OF_MEMORY]
        made = run(worker(server, tmp_path, enabled=False), width=2048, height=2048)
        assert made["memory"]["retries"] == ["retry"]
        assert len(server.bodies) == 2


@pytest.mark.parametrize("extension", [True, False])
def test_peaks_are_measured_and_teach_what_jobs_take(tmp_path: Path, *, extension: bool) -> None:
    """By the extension each job's own peak counts, else a record that a job has raised."""
    with CardWebUI(24 << 30, extension=extension) as server:
        base = server.weights_bytes
        server.peaks = [base + 500 * MIB, base + 400 * MIB, base + 900 * MIB]
        made = worker(server, tmp_path)
        seen = [run(made)["memory"]["observed_peak_bytes"] for _ in range(3)]
        context = TABLE.terms.context_bytes
        wanted = [base + context + each * MIB for each in (500, 400, 900)]
        assert seen == (wanted if extension else [wanted[0], None, wanted[2]])
        kept = json.loads((tmp_path / "memory.json").read_text())["known"]
        (name,) = kept
        assert name == "SD 1.5-sdp-half-half_vae-resident"
        assert kept[name]["peaks"] >= 2


def test_an_extension_that_knows_no_card_yet_is_asked_again(tmp_path: Path) -> None:
    """Before CUDA is in use A1111's own answer has to do; later the extension's counts."""
    with CardWebUI(24 << 30, extension=True) as server:
        known, server.lists["/podkeeper/memory"] = server.extension, {"device": None}
        server.peaks = [server.weights_bytes + 500 * MIB, server.weights_bytes + 400 * MIB] * 2
        made = worker(server, tmp_path)
        run(made)
        run(made)
        server.lists["/podkeeper/memory"] = known
        run(made)
        lower = server.weights_bytes + TABLE.terms.context_bytes + 400 * MIB
        assert run(made)["memory"]["observed_peak_bytes"] == lower


def test_what_was_learned_is_used_by_the_next_start(tmp_path: Path) -> None:
    """A handler that starts anew plans with what the one before has measured."""
    with CardWebUI(24 << 30, extension=True) as server:
        server.peaks = [server.weights_bytes + 3000 * MIB] * 10
        made = worker(server, tmp_path)
        planned = [run(made)["memory"]["planned_peak_bytes"] for _ in range(9)]
        assert planned[-1] > planned[0]
        again = run(worker(server, tmp_path))["memory"]["planned_peak_bytes"]
        assert again == pytest.approx(planned[-1], rel=0.05)
        smaller = CardWebUI(12 << 30, extension=True)
        with smaller:
            first = run(worker(smaller, tmp_path))["memory"]["planned_peak_bytes"]
        assert first == planned[0]


def test_running_out_teaches_the_plan_of_the_next_job(tmp_path: Path) -> None:
    """After an out-of-memory the same job is planned with more."""
    with CardWebUI(5 << 30, extension=True) as server:
        made = worker(server, tmp_path)
        before = run(made)["memory"]["planned_peak_bytes"]
        server.script = [OUT_OF_MEMORY]
        run(made)
        assert run(made)["memory"]["planned_peak_bytes"] > before


def test_no_secret_of_the_flags_is_kept(tmp_path: Path) -> None:
    """Of the WebUI's flags, which hold passwords, only what decides about memory is kept."""
    with CardWebUI(24 << 30) as server:
        made = worker(server, tmp_path)
        run(made)
        (known,) = made.terms.fitting.planner._known.values()
        assert "api_auth" not in repr(known.traits())
        assert "api_auth" not in (tmp_path / "memory.json").read_text()


def test_a_checkpoint_that_may_be_too_large_for_the_ram_is_said(tmp_path: Path) -> None:
    """A job that makes the WebUI load another checkpoint learns what that may lead to."""
    with CardWebUI(24 << 30) as server:
        server.lists["sd-models"] = [
            *server.lists["sd-models"],
            {
                "title": "anXL.safetensors",
                "model_name": "anXL",
                "filename": "/models/anXL.safetensors",
            },
        ]
        made = worker(server, tmp_path)
        told = run(made, override_settings={"sd_model_checkpoint": "anXL"})
        assert told["memory"]["planned_ram_bytes"] > told["memory"]["ram_limit_bytes"]
        assert told["memory"]["ram_limit_bytes"] == RAM_LIMIT_BYTES
        assert told["warnings"][0].startswith("loading this checkpoint may take 7.")
        own = run(made, override_settings={"sd_model_checkpoint": "tinyA"})
        assert "warnings" not in own
        assert own["memory"]["planned_ram_bytes"] < RAM_LIMIT_BYTES
        with_lora = run(made, prompt="<lora:x:1>")
        assert with_lora["memory"]["planned_ram_bytes"] > own["memory"]["planned_ram_bytes"]
