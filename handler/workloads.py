"""What is a job to the card, and may it be cut into other batches?

Covers: from the body of a request to what decides how much memory it takes. Pure.
Leaves out: fields that are wrong (`validation`), how much that is (`podkeeper.policy.vram_cost`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from handler.validation import rules
from podkeeper.policy.vram_cost import Workload

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from handler.traits import Traits

#: One step size for the whole batch: an image would depend on those beside it.
_ADAPTIVE = ("dpm adaptive", "k_dpm_ad")
_SAMPLERS = ("sampler_name", "hr_sampler_name")
_LORA = re.compile(r"<(?:lora|lyco):([^:>]+)", re.IGNORECASE)
_PROMPTS = ("prompt", "hr_prompt")
_CONTROLNET = "controlnet"


def _loras(body: Mapping[str, Any]) -> int:
    if body.get("disable_extra_networks"):
        return 0
    return len({name for each in _PROMPTS for name in _LORA.findall(str(body.get(each) or ""))})


def _always_on(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    scripts = body.get("alwayson_scripts")
    for name, given in (scripts if isinstance(scripts, dict) else {}).items():
        yield str(name).casefold(), given


def _is_on(unit: object) -> bool:
    """Return whether a ControlNet unit has a model on the card."""
    if not isinstance(unit, dict):
        return False
    return unit.get("enabled", True) is not False and unit.get("model") not in (None, "None", "")


def _controlnets(body: Mapping[str, Any]) -> int:
    given = dict(_always_on(body)).get(_CONTROLNET)
    units = given.get("args") if isinstance(given, dict) else None
    return sum(map(_is_on, units)) if isinstance(units, list) else 0


def _enlarges_pictures(body: Mapping[str, Any]) -> bool:
    """Return whether the hires pass enlarges pictures: they are encoded again."""
    upscaler = body.get("hr_upscaler")
    return bool(body.get("enable_hr")) and bool(upscaler) and "Latent" not in str(upscaler)


def workload(body: Mapping[str, Any], traits: Traits) -> Workload:
    """Return what a generation is to the card of a WebUI."""
    width, height = rules.final_size({**body, "enable_hr": False})
    images = len(body.get("init_images", ()))
    return Workload(
        width,
        height,
        batch=max(body.get("batch_size", 1), images),
        hires=rules.final_size(body) if body.get("enable_hr") else None,
        encodes=images > 0,
        hires_encodes=_enlarges_pictures(body),
        controlnets=_controlnets(body),
        loras=_loras(body),
        together=traits.together,
        decoder=traits.decoder,
    )


def may_split(body: Mapping[str, Any], splittable: Collection[str]) -> bool:
    """Return whether a job makes the same images in other batches.

    Not so where one image depends on those beside it, where the batch is bound to several init
    images, and where a script may draw at random by itself.
    """
    adaptive = any(str(body.get(name) or "").casefold() in _ADAPTIVE for name in _SAMPLERS)
    if adaptive or len(body.get("init_images", ())) > 1 or body.get("script_name"):
        return False
    known = {each.casefold() for each in splittable}
    return all(name in known for name, _ in _always_on(body))
