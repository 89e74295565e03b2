"""Jobs of the simulated WebUI: pictures, seeds, order, progress and cutting short."""

from __future__ import annotations

import base64
import io
import json
import threading
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sim_webui_client import wait_for

from podkeeper.sim.webui import draw, infotext
from podkeeper.sim.webui.fifo import FifoLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim_webui_client import Sim

    MakeSim = Callable[..., Sim]


def picture(text: str) -> Image.Image:
    """Return the picture in a base64 text."""
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    return image


def info(answer: Any) -> dict[str, Any]:
    """Return the info table of a job's answer."""
    assert answer.status_code == 200, answer.text
    table: dict[str, Any] = json.loads(answer.json()["info"])
    return table


def test_a_picture_of_a_batch_is_the_picture_of_its_seed_alone(sim: Sim) -> None:
    """Image k of any split into batches is bit for bit the image of seed + k."""
    alone = [sim.txt2img(seed=7 + k).json()["images"][0] for k in range(4)]
    for split in ({"batch_size": 4}, {"n_iter": 4}, {"batch_size": 2, "n_iter": 2}):
        assert sim.txt2img(**split).json()["images"] == alone
    assert len(set(alone)) == 4


def test_a_random_seed_is_told_and_counts_up(sim: Sim) -> None:
    """Seed -1 becomes a number in the info, and the pictures of the job count up from it."""
    told = info(sim.txt2img(seed=-1, batch_size=2, n_iter=2))
    assert told["seed"] >= 0
    assert told["all_seeds"] == [told["seed"] + k for k in range(4)]


def test_pictures_say_that_they_are_simulated(sim: Sim) -> None:
    """A text chunk names the simulator, and another holds the real server's parameters."""
    image = picture(sim.txt2img(prompt="a fox\nin snow é").json()["images"][0])
    assert "simulator" in image.info["Software"]
    assert image.info["parameters"].startswith("a fox\nin snow é\nSteps: 2, Sampler: Euler")


def test_pictures_are_left_out_if_nobody_wants_them(sim: Sim) -> None:
    """With send_images false the job is done and only told of."""
    answer = sim.txt2img(send_images=False, batch_size=2)
    assert answer.json()["images"] == []
    assert len(info(answer)["infotexts"]) == 2


def test_saved_pictures_come_after_their_grid(sim: Sim) -> None:
    """With save_images the first picture is the grid and the info says where the others begin."""
    answer = sim.txt2img(save_images=True, batch_size=2, n_iter=2)
    images = answer.json()["images"]
    assert info(answer)["index_of_first_image"] == 1
    assert [picture(each).size for each in images] == [(128, 128)] + [(64, 64)] * 4


def test_sizes_are_cut_to_whole_latent_pixels(sim: Sim) -> None:
    """A width of 65 gives 64 pixels while the info says 65."""
    answer = sim.txt2img(width=65, height=71)
    assert picture(answer.json()["images"][0]).size == (64, 64)
    assert info(answer)["width"] == 65


def test_a_second_pass_enlarges(sim: Sim) -> None:
    """With enable_hr the picture has the second pass's size."""
    answer = sim.txt2img(enable_hr=True, denoising_strength=0.5, hr_scale=2, hr_upscaler="Latent")
    assert picture(answer.json()["images"][0]).size == (128, 128)
    assert info(answer)["extra_generation_params"]["Hires upscale"] == 2.0


def test_a_picture_drawn_over_another_depends_on_it(sim: Sim) -> None:
    """At strength 0 img2img gives the init image back, at 1 it forgets it."""
    start = draw.to_base64(Image.new("RGB", (64, 64), (10, 200, 30)))
    asked = {"prompt": "a cat", "seed": 7, "steps": 2, "width": 32, "height": 32}
    kept, new = (
        picture(
            sim.post(
                "img2img", {**asked, "init_images": [start], "denoising_strength": strength}
            ).json()["images"][0]
        )
        for strength in (0, 1)
    )
    assert kept.getpixel((16, 16)) == (10, 200, 30)
    assert new.tobytes() == draw.picture(7, "a cat", (32, 32)).tobytes()


def test_several_init_images_make_a_batch(sim: Sim) -> None:
    """Two init images give two pictures, and three do not fit a batch of two."""
    start = draw.to_base64(Image.new("RGB", (64, 64)))
    asked = {"prompt": "a", "steps": 1, "width": 64, "height": 64}
    two = sim.post("img2img", {**asked, "init_images": [start] * 2})
    three = sim.post("img2img", {**asked, "init_images": [start] * 3, "batch_size": 2})
    assert len(two.json()["images"]) == 2
    assert three.json()["errors"] == "bad number of images passed; expecting 2 or less"


def test_progress_moves_with_the_steps_and_goes_stale(make_sim: MakeSim) -> None:
    """A running job shows its step, a share done and a preview; afterwards the server is idle."""
    sim = make_sim(step_s=1.0)
    job = sim.later(lambda: sim.txt2img(steps=40, width=128, height=128))
    sim.wait(lambda: sim.get("progress").json()["state"]["sampling_step"] >= 2)
    now = sim.get("progress").json()
    assert now["state"]["job"] == "scripts_txt2img"
    assert 0.01 < now["progress"] < 1
    assert now["eta_relative"] > 0
    assert picture(now["current_image"]).size == (16, 16)
    assert sim.get("progress?skip_current_image=true").json()["current_image"] is None
    sim.post("interrupt")
    assert job.result().status_code == 200
    after = sim.get("progress").json()
    assert (after["progress"], after["state"]["job"], after["state"]["sampling_steps"]) == (
        0,
        "",
        40,
    )


def test_an_interrupt_ends_the_job_with_a_partial_picture(make_sim: MakeSim) -> None:
    """The running job answers 200 with what it has and drops its other iterations; others wait."""
    sim = make_sim(step_s=60.0)
    job = sim.later(lambda: sim.txt2img(n_iter=3, width=512, height=512))
    sim.wait(lambda: sim.world.progress.sampling_steps)
    waiting = sim.later(lambda: sim.txt2img(seed=8, width=8, height=8, steps=1))
    sim.wait(lambda: sim.world.queue.depth == 2)
    assert sim.post("interrupt").json() == {}
    images = job.result().json()["images"]
    assert len(images) == 1
    whole = draw.picture(7, "a cat", (512, 512)).tobytes()
    assert picture(images[0]).tobytes() != whole
    assert waiting.result().status_code == 200


def test_a_skip_goes_on_with_the_next_iteration(make_sim: MakeSim) -> None:
    """A skipped iteration gives a partial picture and the job goes on."""
    sim = make_sim(step_s=60.0)
    job = sim.later(lambda: sim.txt2img(n_iter=2, width=512, height=512))
    for number in range(2):
        sim.wait(lambda: sim.world.progress.job_no == number and sim.world.progress.sampling_steps)  # noqa: B023 - waited for at once
        assert sim.post("skip").json() is None
        sim.wait(lambda: sim.world.progress.job_no > number or not sim.world.progress.job)  # noqa: B023 - waited for at once
    assert len(job.result().json()["images"]) == 2


def test_cutting_short_an_idle_server_does_nothing(sim: Sim) -> None:
    """Interrupt and skip of nothing leave the next job whole."""
    sim.post("interrupt")
    sim.post("skip")
    whole = draw.picture(7, "a cat", (64, 64)).tobytes()
    assert picture(sim.txt2img().json()["images"][0]).tobytes() == whole


def test_waiting_threads_come_in_their_order() -> None:
    """The lock serves one at a time, first come first served."""
    lock, came = FifoLock(), []

    def take(number: int) -> None:
        with lock:
            came.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    with lock:
        for waiting, thread in enumerate(threads, start=2):
            thread.start()
            wait_for(lambda: lock.depth == waiting)  # noqa: B023 - waited for at once
    for thread in threads:
        thread.join(30)
    assert came == list(range(8))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    prompt=st.text(max_size=40),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
)
def test_any_picture_is_drawn_the_same_again(seed: int, prompt: str, size: tuple[int, int]) -> None:
    """Every seed and prompt gives a picture of the asked size, twice the same."""
    first = draw.picture(seed, prompt, size)
    assert first.size == size
    assert first.tobytes() == draw.picture(seed, prompt, size).tobytes()


_WORD = st.text("abcdefghij é()", min_size=1, max_size=20).map(str.strip).filter(bool)


@given(prompt=_WORD, negative=_WORD, steps=st.integers(1, 150), width=st.integers(8, 4096))
def test_what_is_written_about_a_picture_can_be_read_again(
    prompt: str, negative: str, steps: int, width: int
) -> None:
    """Prompts, steps and size come back out of the parameters text."""
    text = f"{prompt}\nNegative prompt: {negative}\nSteps: {steps}, Sampler: Euler, Size: {width}x8"
    found = infotext.parse(text)
    assert (found["Prompt"], found["Negative prompt"]) == (prompt, negative)
    assert (found["Steps"], found["Size-1"], found["Size-2"]) == (str(steps), str(width), "8")
