"""How is one job made by several requests, and seen by its client as one?

Covers: the request of a portion, and one result made of several. Images, seeds and infos come in
the order of the job, and sizes of batches are told as they were asked. An image's own text says how
it was made and stays as it is; so do parameters that were changed to make the job fit. Pure.
Leaves out: how a job is cut (`podkeeper.policy.split`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from podkeeper.policy import split
from podkeeper.policy.split import Seeds
from podkeeper.policy.vram_cost import Decoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handler.validation.request import Request
    from podkeeper.policy.split import Portion
    from podkeeper.policy.vram_cost import Workload

_OPTIONS = "override_settings"
#: Parts of an answer's info that have one entry for each image.
_PER_IMAGE = ("all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds", "infotexts")
#: Fields that a portion has values of its own for, and what they are where a job says nothing.
_OWN = {"batch_size": 1, "n_iter": 1, "seed": -1, "subseed": -1}


def _seeds(body: Mapping[str, Any], portion: Portion) -> dict[str, int]:
    asked = Seeds(body["seed"], body["subseed"], body.get("subseed_strength", 0.0))
    own = split.seeds_of(portion, asked)
    return {"seed": own.seed, "subseed": own.subseed}


def _overrides(work: Workload, asked: Workload) -> dict[str, Any]:
    """Return the options that make a job take less than it was asked to."""
    apart = {} if work.together == asked.together else {"batch_cond_uncond": work.together}
    tiny = work.decoder is Decoder.TINY and asked.decoder is not Decoder.TINY
    return {**apart, **({"sd_vae_decode_method": "TAESD"} if tiny else {})}


def request_of(request: Request, portion: Portion, work: Workload, asked: Workload) -> Request:
    """Return the request that makes a portion of a job in a form; the whole as asked is the same.

    Args:
        request: What the job asks for.
        portion: Which of its images.
        work: The form in which they are made.
        asked: The form in which they were asked for.
    """
    body = dict(request.body or {})
    if (portion.batch, portion.iterations) != (asked.batch, body.get("n_iter", 1)):
        body |= {"batch_size": portion.batch, "n_iter": portion.iterations}
    body |= _seeds(body, portion)
    changed = _overrides(work, asked)
    if changed:
        body[_OPTIONS] = {**body.get(_OPTIONS, {}), **changed}
    if work.hires != asked.hires and work.hires is not None:
        body |= {"hr_resize_x": work.hires[0], "hr_resize_y": work.hires[1]}
    count = None if request.images is None else portion.count
    return replace(request, body=body, images=count)


def _info(parts: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    infos = [each["info"] for each in parts]
    joined = {
        name: [entry for info in infos for entry in info[name]]
        for name in _PER_IMAGE
        if all(isinstance(info.get(name), list) for info in infos)
    }
    size = {"batch_size": body.get("batch_size", 1)} if "batch_size" in infos[0] else {}
    return {**infos[0], **joined, **size}


def joined(parts: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a job has made, of the results of its portions in the order of their images.

    Args:
        parts: Images, info, parameters and seeds of each portion.
        body: What the job asked for.
    """
    first = parts[0]
    echo = first["parameters"]
    told = {name: body.get(name, unsaid) for name, unsaid in _OWN.items() if name in echo}
    return {
        **first,
        "images": [image for each in parts for image in each["images"]],
        "info": _info(parts, body),
        "parameters": {**echo, **told},
        "seeds": [seed for each in parts for seed in each["seeds"]],
    }
