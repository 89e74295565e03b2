"""What is written about a picture: the text in its PNG chunk, the `info` of an answer, and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from podkeeper.sim.webui.catalogue import Checkpoint
    from podkeeper.sim.webui.jobs import Job

#: The version of the server whose answers these are.
VERSION = "1.10.1"
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"^(\d+)x(\d+)$")
#: What the real server says for what a picture's text leaves out.
_UNSAID: dict[str, object] = {
    "Clip skip": "1",
    "Hires resize-1": 0,
    "Hires resize-2": 0,
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": 32,
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": 0,
    "Schedule min sigma": 0,
    "Schedule rho": 0,
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": False,
}


@dataclass(frozen=True)
class Making:
    """What of the server, beside the job, a picture was made with."""

    checkpoint: Checkpoint
    clip_skip: int
    timestamp: str


def extra_params(job: Job) -> dict[str, object]:
    """Return what a job's sampler and second pass add to its parameters."""
    extra: dict[str, object] = {"Schedule type": job.scheduler}
    if job.hires is not None:
        extra["Hires upscale"] = job.hires.scale
        if job.asked["hr_second_pass_steps"]:
            extra["Hires steps"] = job.hires.steps
        extra["Hires upscaler"] = job.hires.upscaler
    return extra


def infotext(job: Job, index: int, making: Making) -> str:
    """Return the text of the picture at `index` of a job; it names nothing of the batch."""
    asked = job.asked
    values: dict[str, object | None] = {
        "Steps": asked["steps"],
        "Sampler": job.sampler,
        "Schedule type": job.scheduler,
        "CFG scale": asked["cfg_scale"],
        "Seed": job.all_seeds[index],
        "Size": f"{asked['width']}x{asked['height']}",
        "Model hash": making.checkpoint.sha256[:10],
        "Model": making.checkpoint.model_name,
        "Variation seed": job.all_subseeds[index] if asked["subseed_strength"] else None,
        "Variation seed strength": asked["subseed_strength"] or None,
        "Denoising strength": asked["denoising_strength"],
        "Clip skip": making.clip_skip if making.clip_skip > 1 else None,
        **{key: value for key, value in extra_params(job).items() if key != "Schedule type"},
        "Version": VERSION,
    }
    said = ", ".join(f"{key}: {value}" for key, value in values.items() if value is not None)
    negative = asked["negative_prompt"]
    middle = f"\nNegative prompt: {negative}" if negative else ""
    return f"{asked['prompt']}{middle}\n{said}"


def info(job: Job, making: Making, infotexts: list[str], *, first_image: int) -> str:
    """Return the JSON text that an answer has as `info`."""
    asked, negative = job.asked, job.asked["negative_prompt"] or ""
    table: dict[str, Any] = {
        "prompt": asked["prompt"],
        "all_prompts": [asked["prompt"]] * job.count,
        "negative_prompt": negative,
        "all_negative_prompts": [negative] * job.count,
        "seed": job.seed,
        "all_seeds": job.all_seeds,
        "subseed": job.subseed,
        "all_subseeds": job.all_subseeds,
        **{name: asked[name] for name in ("subseed_strength", "width", "height")},
        "sampler_name": job.sampler,
        "cfg_scale": asked["cfg_scale"],
        "steps": asked["steps"],
        "batch_size": job.batch_size,
        "restore_faces": bool(asked["restore_faces"]),
        "face_restoration_model": None,
        "sd_model_name": making.checkpoint.model_name,
        "sd_model_hash": making.checkpoint.sha256[:10],
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": asked["seed_resize_from_w"],
        "seed_resize_from_h": asked["seed_resize_from_h"],
        "denoising_strength": asked["denoising_strength"],
        "extra_generation_params": extra_params(job),
        "index_of_first_image": first_image,
        "infotexts": infotexts,
        "styles": asked["styles"] or [],
        "job_timestamp": making.timestamp,
        "clip_skip": making.clip_skip,
        "is_using_inpainting_conditioning": False,
        "version": VERSION,
    }
    return json.dumps(table)


def parse(text: str) -> dict[str, object]:
    """Return the parameters that a picture's text names, with what it leaves unsaid."""
    *lines, last = text.strip().split("\n")
    if not _PAIR.search(last):
        lines, last = [*lines, last], ""
    found: dict[str, object] = {}
    for key, raw in _PAIR.findall(last):
        value = json.loads(raw) if raw[:1] == raw[-1:] == '"' and len(raw) > 1 else raw
        size = _SIZE.match(str(value))
        found |= {f"{key}-1": size[1], f"{key}-2": size[2]} if size else {key: value}
    prompt, mark, negative = "\n".join(lines).partition("Negative prompt:")
    found |= {"Prompt": prompt.strip(), "Negative prompt": negative.strip() if mark else ""}
    return {**found, **{key: value for key, value in _UNSAID.items() if key not in found}}
