"""How is a job run: in its turn, step by step, with memory, faults and a way to cut it short?"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from podkeeper.sim.webui import draw, jobs
from podkeeper.sim.webui.catalogue import find_checkpoint
from podkeeper.sim.webui.errors import ExceptionGroupError, PlainError
from podkeeper.sim.webui.faults import Cache, Leak
from podkeeper.sim.webui.infotext import Making, info, infotext
from podkeeper.sim.webui.vram import Workload, luck, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.Image import Image

    from podkeeper.sim.webui.catalogue import Checkpoint
    from podkeeper.sim.webui.jobs import Job
    from podkeeper.sim.webui.options import Options
    from podkeeper.sim.webui.vram import Need
    from podkeeper.sim.webui.world import World

#: Size of the picture whose step time the settings give.
_REFERENCE_PIXELS = 512 * 512
#: Above this the pictures do not fit the host either, whatever card is pretended.
_MOST_PIXELS = 1 << 26
_OOM_GROUP = "unhandled errors in a TaskGroup (1 sub-exception)"
_OTHER_DEVICE = (
    "Expected all tensors to be on the same device, but found at least two devices, cpu and cuda:0!"
)


@contextlib.contextmanager
def _overridden(options: Options, asked: dict[str, Any]) -> Iterator[None]:
    """Hold a job's own options; afterwards the old ones return, but not the old checkpoint.

    That one is loaded again by the next job that finds it missing.
    """
    wanted = dict(asked["override_settings"] or {})
    if find_checkpoint(wanted.get("sd_model_checkpoint")) is None:
        wanted.pop("sd_model_checkpoint", None)
    before: dict[str, Any] = {}
    try:
        for name, value in wanted.items():
            before[name] = options[name]
            options.set(name, value)
        yield
    finally:
        if asked["override_settings_restore_afterwards"]:
            for name, value in before.items():
                options.set(name, value)


def _need(world: World, job: Job, checkpoint: Checkpoint) -> Need:
    width, height = job.size
    second = job.hires
    return need(
        Workload(
            checkpoint.family,
            width,
            height,
            job.batch_size,
            hires=(second.width, second.height) if second else None,
            batch_cond_uncond=bool(world.options["batch_cond_uncond"]),
            tiny_decoder=world.options["sd_vae_decode_method"] == "TAESD",
            # Enlarging the picture instead of the latents means encoding it again.
            encodes=bool(job.init) or (second is not None and "Latent" not in second.upscaler),
        ),
        luck(world.counters.values["jobs_begun"], world.settings.vram_spread_ratio),
    )


def _encode_steps(strength: float, steps: int) -> int:
    """Return how many of the steps a pass that starts from a picture really takes."""
    return int(min(strength, 0.999) * steps) + 1 if strength > 0 else 1


#: A step longer than this is made of several stretches of work and rest.
_SLICE_S = 0.1


def work(span_s: float) -> None:
    """Use the processor for so long, counted in processor time of this thread."""
    end_s = time.thread_time() + span_s
    while time.thread_time() < end_s:
        sum(range(1000))


class _Run:
    """One job while it runs."""

    def __init__(self, world: World, job: Job) -> None:
        self.world = world
        self.job = job
        self.images: list[Image] = []
        self.texts: list[str] = []

    def all(self) -> dict[str, object]:
        """Run the job and return images and info."""
        world, asked = self.world, self.job.asked
        with _overridden(world.options, asked):
            checkpoint = world.models.ready()
            self._check(checkpoint)
            # An option of a wrong type was saved without a word; it is here that it hurts.
            clip_skip = int(max(world.options["CLIP_stop_at_last_layers"], 1))
            making = Making(checkpoint, clip_skip, world.progress.job_timestamp)
            self._sample(making)
        return self._answer(making)

    def _check(self, checkpoint: Checkpoint) -> None:
        jobs.check(self.job)
        self.need = _need(self.world, self.job, checkpoint)
        width, height = self.job.size
        if width * height * self.job.count > _MOST_PIXELS and not self.world.card.total_bytes:
            wanted = width * height * self.job.count * 4
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:114] err == 0. DefaultCPUAllocator: can't allocate "
                f"memory: you tried to allocate {wanted} bytes. Error code 12 (Cannot allocate "
                "memory)"
            )
        if self.world.card.total_bytes and not self.world.models.on_card:
            raise RuntimeError(_OTHER_DEVICE)

    def _sample(self, making: Making) -> None:
        world, n_iter = self.world, self.job.asked["n_iter"]
        world.progress.expect(n_iter * (2 if self.job.hires else 1))
        self._meet(0.0)
        for iteration in range(n_iter):
            self._oom_on_demand()
            world.card.sample(self.need)
            done_ratio = self._passes()
            world.card.decode(self.need)
            self._draw(iteration, done_ratio, making)
            if world.progress.interrupted:
                break
        self._meet(1.0)

    def _meet(self, progress_ratio: float) -> None:
        """Meet what the faults have for a job at this progress."""
        size_bytes = self.world.faults.take_fill(progress_ratio)
        if size_bytes:
            self.world.ram.leak(size_bytes)
        self.world.faults.at(progress_ratio)

    def _oom_on_demand(self) -> None:
        fault = self.world.faults.take_oom()
        if fault is None:
            return
        error = self.world.card.fail(self.need.peak_bytes)
        if fault.seen_as == "ExceptionGroup":
            raise ExceptionGroupError(_OOM_GROUP)
        raise PlainError(str(error)) if fault.seen_as == "text" else error

    def _passes(self) -> float:
        """Run the passes of one iteration and return how much of the last one was done."""
        job, asked = self.job, self.job.asked
        steps = asked["steps"]
        if job.init:
            steps = _encode_steps(asked["denoising_strength"], steps)
        done_ratio = self._steps(steps, *job.size)
        self.world.progress.next_pass()
        if job.hires is not None and done_ratio == 1:
            again = _encode_steps(asked["denoising_strength"], job.hires.steps)
            done_ratio = self._steps(again, job.hires.width, job.hires.height)
            self.world.progress.next_pass()
        return done_ratio

    def _steps(self, steps: int, width: int, height: int) -> float:
        world = self.world
        pixels = width * height * self.job.batch_size
        step_s = world.settings.step_s * pixels / _REFERENCE_PIXELS
        world.progress.sampling(steps)
        for step in range(steps):
            if not self._step(step_s):
                return step / steps
            self._meet(world.progress.ratio)
        return 1.0

    def _step(self, step_s: float) -> bool:
        """Let one step take its time, at work all along as a real one is; False when it was cut."""
        progress, busy_ratio = self.world.progress, self.world.settings.step_cpu_ratio
        slices = max(1, round(step_s / _SLICE_S))
        for _ in range(slices):
            work(step_s * busy_ratio / slices)
            if progress.cut_within(step_s * (1 - busy_ratio) / slices):
                return False
        progress.step_done()
        return True

    def _draw(self, iteration: int, done_ratio: float, making: Making) -> None:
        job, second = self.job, self.job.hires
        size = (second.width, second.height) if second else job.size
        for index in range(iteration * job.batch_size, (iteration + 1) * job.batch_size):
            over = None
            if job.init:
                over = job.init[index % len(job.init)], job.asked["denoising_strength"]
            seed = job.all_seeds[index] + (job.all_subseeds[index] if self._varied else 0)
            self.images.append(
                draw.picture(
                    *(seed, job.asked["prompt"], size),
                    done_ratio=done_ratio,
                    over=over,
                )
            )
            self.texts.append(infotext(job, index, making))

    @property
    def _varied(self) -> bool:
        return bool(self.job.asked["subseed_strength"])

    def _answer(self, making: Making) -> dict[str, object]:
        self.world.counters.count("images", len(self.images))
        first_image = 0
        if self.job.asked["save_images"] and len(self.images) > 1:
            self.images.insert(0, draw.grid(self.images))
            self.texts.insert(0, self.texts[0])
            first_image = 1
        return {
            "images": [
                draw.to_base64(image, text)
                for image, text in zip(self.images, self.texts, strict=True)
                if self.job.asked["send_images"]
            ],
            "parameters": self.job.asked,
            "info": info(self.job, making, self.texts, first_image=first_image),
        }


def _grow(world: World) -> None:
    """Leave behind what a job is told to leave behind."""
    leak, cache = world.faults.get(Leak), world.faults.get(Cache)
    if leak is not None:
        world.ram.leak(leak.bytes)
    if cache is not None:
        world.ram.cache(cache.bytes)


def run(world: World, kind: str, prepare: Callable[[], Job]) -> dict[str, object]:
    """Return the answer to a job request, when its turn has come and it has been drawn.

    Raises:
        Exception: Whatever the real server would fall over with; the route turns it into JSON.
    """
    with world.queue:
        world.counters.count("jobs_begun")
        world.faults.job_begins()
        world.card.begin()
        world.progress.begin(f"scripts_{kind}")
        world.jobs.begin(f"scripts_{kind}")
        outcome = "jobs_failed"
        try:
            world.running = prepare()
            answer = _Run(world, world.running).all()
            outcome = "jobs_done"
        finally:
            world.counters.count(outcome)
            world.running = None
            world.card.rest(failed=outcome == "jobs_failed")
            world.progress.end()
            _grow(world)
            world.jobs.end()
    return answer
