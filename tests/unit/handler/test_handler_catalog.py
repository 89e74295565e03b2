"""Whether the WebUI has what a job names."""

from __future__ import annotations

from typing import Any

import pytest
from handler_standins import MODELS, SAMPLERS, SCHEDULERS

from handler.validation import catalog

LISTS: catalog.Lists = {
    "samplers": SAMPLERS,
    "schedulers": SCHEDULERS,
    "sd-models": MODELS,
    "sd-vae": [{"model_name": "vae-ft.safetensors", "filename": "/vae/vae-ft.safetensors"}],
    "upscalers": [{"name": "Lanczos"}],
    "latent-upscale-modes": [{"name": "Latent"}],
}


@pytest.mark.parametrize(
    "body",
    [
        {"sampler_name": "Euler a"},
        {"sampler_name": "k_euler"},
        {"sampler_name": "DPM++ 2M Karras", "scheduler": "Automatic"},
        {"hr_sampler_name": "Use same sampler", "hr_scheduler": "karras"},
        {"override_settings": {"sd_model_checkpoint": "tinyA"}},
        {"override_settings": {"sd_model_checkpoint": "tinyA.safetensors [b86c3b871f]"}},
        {"override_settings": {"sd_model_checkpoint": "tinyA.safetensors"}},
        {"override_settings": {"sd_model_checkpoint": "b86c3b871f", "sd_vae": "None"}},
        {"override_settings": {"sd_vae": "vae-ft.safetensors"}},
        {"hr_upscaler": "Latent", "refiner_checkpoint": ""},
        {"prompt": "names nothing"},
    ],
)
def test_what_exists_passes(body: dict[str, Any]) -> None:
    """Every name the WebUI itself would find is taken, samplers with their scheduler too."""
    assert catalog.missing(body, LISTS) == []


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"sampler_name": "eulr a"}, 'sampler_name = "eulr a": the WebUI has no such one; it has '),
        ({"sampler_name": "eulr a"}, "DPM++ 2M, Euler a, Euler (did you mean Euler a?)"),
        ({"sampler_name": "karras"}, "it has DPM++ 2M, Euler a, Euler"),
        ({"scheduler": "kerras"}, "(did you mean karras?)"),
        ({"refiner_checkpoint": "tinyB"}, "(did you mean tinyA.safetensors [b86c3b871f]?)"),
        (
            {"override_settings": {"sd_model_checkpoint": "gone"}},
            'override_settings.sd_model_checkpoint = "gone"',
        ),
        ({"override_settings": {"sd_vae": "gone"}}, "it has vae-ft.safetensors"),
        ({"hr_upscaler": "Lancos"}, "it has Lanczos, Latent (did you mean Lanczos?)"),
    ],
)
def test_what_does_not_exist_is_named_with_what_does(body: dict[str, Any], line: str) -> None:
    """A name the WebUI would quietly replace is refused with the list of what there is."""
    (complaint,) = catalog.missing(body, LISTS)
    assert line in str(complaint)


def test_a_list_the_webui_does_not_have_is_not_held_against_a_job() -> None:
    """An older WebUI without schedulers gets the job as it is."""
    assert catalog.missing({"scheduler": "whatever", "sampler_name": "Euler"}, {}) == []


def test_a_sampler_with_its_scheduler_is_split() -> None:
    """The WebUI's older sampler names become sampler and scheduler; a named scheduler stays."""
    made = catalog.resolved({"sampler_name": "DPM++ 2M Karras"}, LISTS)
    assert made == {"sampler_name": "DPM++ 2M", "scheduler": "Karras"}
    kept = catalog.resolved({"sampler_name": "DPM++ 2M Karras", "scheduler": "karras"}, LISTS)
    assert kept["scheduler"] == "karras"
    alias = catalog.resolved({"sampler_name": "k_euler_a"}, LISTS)
    assert alias == {"sampler_name": "Euler a"}


def test_only_the_lists_that_a_job_needs_are_asked_for() -> None:
    """A job that names nothing asks for no list."""
    assert catalog.needed({"prompt": "x", "sampler_name": ""}) == set()
    assert catalog.needed({"override_settings": {"sd_vae": "x"}}) == {"sd-vae"}
