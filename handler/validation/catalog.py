"""Does the WebUI have what a job names?

Covers: samplers, schedulers, checkpoints, VAEs and upscalers against the WebUI's own lists. The
real one answers 200 to an unknown name and quietly uses something else. Pure.
Leaves out: asking for the lists (`webui`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from handler.errors import Complaint
from handler.text import closest, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Names of lists, as the WebUI's paths have them.
SAMPLERS, SCHEDULERS, MODELS = "samplers", "schedulers", "sd-models"
VAES, UPSCALERS, LATENT_MODES = "sd-vae", "upscalers", "latent-upscale-modes"

#: What the WebUI answers for each list, by name; a list it does not have is missing.
Lists = dict[str, list[dict[str, Any]]]

#: Which lists the value of a field has to be in.
_FIELDS: dict[str, tuple[str, ...]] = {
    "sampler_name": (SAMPLERS, SCHEDULERS),
    "hr_sampler_name": (SAMPLERS, SCHEDULERS),
    "scheduler": (SCHEDULERS,),
    "hr_scheduler": (SCHEDULERS,),
    "refiner_checkpoint": (MODELS,),
    "hr_checkpoint_name": (MODELS,),
    "hr_upscaler": (UPSCALERS, LATENT_MODES),
}
_OPTION_FIELDS: dict[str, tuple[str, ...]] = {
    "sd_model_checkpoint": (MODELS,),
    "sd_vae": (VAES,),
}
#: Values the WebUI understands beside its lists.
_WORDS = {
    "hr_sampler_name": ("Use same sampler",),
    "hr_scheduler": ("Use same scheduler",),
    "hr_checkpoint_name": ("Use same checkpoint",),
    "refiner_checkpoint": ("None",),
    "sd_vae": ("Automatic", "None"),
}
_SAMPLER_OF = {"sampler_name": "scheduler", "hr_sampler_name": "hr_scheduler"}


@dataclass(frozen=True)
class Named:
    """One thing that a body names: where, what, and the lists it may be in."""

    field: str
    key: str
    value: str
    lists: tuple[str, ...]


def named(body: Mapping[str, Any]) -> list[Named]:
    """Return what a body names, empty texts aside."""
    overrides = body.get("override_settings", {})
    own = [Named(key, key, body[key], lists) for key, lists in _FIELDS.items() if body.get(key)]
    return own + [
        Named(f"override_settings.{key}", key, overrides[key], lists)
        for key, lists in _OPTION_FIELDS.items()
        if overrides.get(key)
    ]


def needed(body: Mapping[str, Any]) -> set[str]:
    """Return the names of the lists that are needed to check a body."""
    return {name for each in named(body) for name in each.lists}


def _names(kind: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names one entry of a list goes by, the one to show first."""
    keys = {MODELS: ("title", "model_name", "hash", "sha256"), VAES: ("model_name",)}
    for key in keys.get(kind, ("name", "label")):
        if isinstance(entry.get(key), str):
            yield entry[key]
    if kind == MODELS and isinstance(entry.get("filename"), str):
        yield PurePath(entry["filename"]).name
        yield str(entry.get("title", "")).partition(" [")[0]


def _known(lists: Lists, kinds: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield each name that is known, with the name to show for it."""
    for kind in kinds:
        for entry in lists.get(kind, []):
            names = list(_names(kind, entry))
            yield from ((name, names[0]) for name in names)


def _aliases(lists: Lists) -> dict[str, str]:
    """Return the samplers' other names; the WebUI itself takes an alias for its default."""
    return {
        alias: entry["name"]
        for entry in lists.get(SAMPLERS, [])
        for alias in entry.get("aliases") or ()
    }


def _split_sampler(value: str, lists: Lists) -> tuple[str, str | None] | None:
    """Return sampler and scheduler of a name such as `DPM++ 2M Karras`, or None."""
    samplers = dict(_known(lists, (SAMPLERS,)))
    name = _aliases(lists).get(value, value)
    if name in samplers:
        return name, None
    for scheduler, _ in _known(lists, (SCHEDULERS,)):
        sampler = value.removesuffix(f" {scheduler}")
        if sampler != value and sampler in samplers:
            return sampler, scheduler
    return None


def _complaint(each: Named, lists: Lists) -> Complaint:
    kinds = each.lists[:1] if each.key in _SAMPLER_OF else each.lists
    known = dict(_known(lists, kinds))
    shown = dict.fromkeys(known.values())
    near = closest(each.value, known)
    allowed = f"the WebUI has no such one; it has {listed(shown)}"
    return Complaint(each.field, each.value, allowed, known.get(near) if near else None)


def _exists(each: Named, lists: Lists) -> bool:
    if not any(kind in lists for kind in each.lists[:1]):
        return True  # an older WebUI without that list: it has to judge by itself
    if each.value in _WORDS.get(each.key, ()):
        return True
    if each.key in _SAMPLER_OF:
        return _split_sampler(each.value, lists) is not None
    return each.value in dict(_known(lists, each.lists))


def missing(body: Mapping[str, Any], lists: Lists) -> list[Complaint]:
    """Return a complaint for each thing a body names that the WebUI does not have."""
    return [_complaint(each, lists) for each in named(body) if not _exists(each, lists)]


def resolved(body: dict[str, Any], lists: Lists) -> dict[str, Any]:
    """Return the body with sampler names as the WebUI's list has them.

    `DPM++ 2M Karras` becomes a sampler and a scheduler, unless the job names a scheduler itself.
    """
    changed = dict(body)
    for field, scheduler_field in _SAMPLER_OF.items():
        found = _split_sampler(changed[field], lists) if changed.get(field) else None
        if found is None:
            continue
        changed[field] = found[0]
        if found[1] is not None:
            changed.setdefault(scheduler_field, found[1])
    return changed
