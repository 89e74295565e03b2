"""What a job and a WebUI are to the memory estimate, and how one job is several requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler import portions, workloads
from handler.progress import Phase, within
from handler.progress import Reading as Progress
from handler.traits import Traits, traits
from handler.validation.request import TXT2IMG, Request
from podkeeper.policy import split
from podkeeper.policy.vram_cost import Decoder, Server, Workload

MIB = 1 << 20
DEFAULT = Traits()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, Workload(512, 512)),
        ({"width": 768, "height": 512, "batch_size": 3}, Workload(768, 512, batch=3)),
        ({"init_images": ["a", "b"], "batch_size": 1}, Workload(512, 512, 2, encodes=True)),
        ({"enable_hr": True}, Workload(512, 512, hires=(1024, 1024))),
        ({"enable_hr": True, "hr_resize_x": 768}, Workload(512, 512, hires=(768, 768))),
        (
            {"enable_hr": True, "hr_upscaler": "Latent (nearest)"},
            Workload(512, 512, hires=(1024, 1024)),
        ),
        (
            {"enable_hr": True, "hr_upscaler": "R-ESRGAN 4x+"},
            Workload(512, 512, hires=(1024, 1024), hires_encodes=True),
        ),
        ({"prompt": "a <lora:x:1> b <lora:x:.5> <lyco:y:1>"}, Workload(512, 512, loras=2)),
        (
            {"prompt": "<lora:x:1>", "disable_extra_networks": True},
            Workload(512, 512),
        ),
        (
            {
                "alwayson_scripts": {
                    "ControlNet": {
                        "args": [
                            {"model": "canny"},
                            {"model": "depth", "enabled": False},
                            {"model": "None"},
                            7,
                        ]
                    }
                }
            },
            Workload(512, 512, controlnets=1),
        ),
        ({"alwayson_scripts": {"controlnet": "odd"}}, Workload(512, 512)),
    ],
)
def test_a_body_becomes_what_it_is_to_the_card(body: dict[str, Any], wanted: Workload) -> None:
    """Sizes, batch, passes, networks: what decides about memory and nothing else."""
    assert workloads.workload(body, DEFAULT) == wanted


def test_what_the_webui_is_set_to_counts_too() -> None:
    """A WebUI that takes halves apart or decodes with TAESD takes less for every job."""
    lean = Traits(together=False, decoder=Decoder.TINY)
    assert workloads.workload({}, lean) == Workload(512, 512, together=False, decoder=Decoder.TINY)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ({}, True),
        ({"sampler_name": "Euler a"}, True),
        ({"sampler_name": "DPM adaptive"}, False),
        ({"hr_sampler_name": "k_dpm_ad"}, False),
        ({"script_name": "x/y/z plot"}, False),
        ({"alwayson_scripts": {"ControlNet": {}}}, True),
        ({"alwayson_scripts": {"ControlNet": {}, "Dynamic Prompts": {}}}, False),
        ({"init_images": ["a"]}, True),
        ({"init_images": ["a", "b"]}, False),
    ],
)
def test_only_jobs_whose_images_stay_the_same_are_recut(
    body: dict[str, Any], *, wanted: bool
) -> None:
    """Adaptive steps, several init images and scripts of unknown luck bind the batch."""
    assert workloads.may_split(body, ("controlnet",)) is wanted


BODIES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "subseed": st.integers(0, 2**32 - 1),
        "subseed_strength": st.sampled_from([0.0, 0.5]),
        "batch_size": st.integers(1, 8),
        "n_iter": st.integers(1, 4),
    }
)


def answered(body: dict[str, Any]) -> dict[str, Any]:
    """Return what a generation gives, each image named by its seeds."""
    seeds = split.Seeds(body["seed"], body["subseed"], body["subseed_strength"])
    pairs = split.each_image(seeds, body["batch_size"] * body["n_iter"])
    return {
        "images": [f"{seed}/{subseed}" for seed, subseed in pairs],
        "info": {
            "seed": body["seed"],
            "batch_size": body["batch_size"],
            "all_seeds": [seed for seed, _ in pairs],
            "all_subseeds": [subseed for _, subseed in pairs],
            "infotexts": [f"of {seed}" for seed, _ in pairs],
            "width": 512,
        },
        "parameters": {"steps": 20, **body},
        "seeds": [seed for seed, _ in pairs],
    }


@given(BODIES, st.integers(1, 8))
def test_a_recut_job_looks_like_one_that_was_not(body: dict[str, Any], batch: int) -> None:
    """Images, seeds, infos and sizes of batches are the same as those of a single request."""
    request = Request("POST", TXT2IMG, body, body["batch_size"] * body["n_iter"])
    asked = Workload(512, 512, batch=body["batch_size"])
    total, parts, done = request.images or 0, [], 0
    while done < total:
        portion = split.next_portion(done, total, min(batch, asked.batch))
        sent = portions.request_of(request, portion, replace(asked, batch=portion.batch), asked)
        assert sent.images == portion.count
        parts.append(answered(sent.body or {}))
        done += portion.count
    assert portions.joined(parts, body) == answered(body)


def test_a_form_becomes_options_of_its_own_request() -> None:
    """Halves apart, another decoder and a smaller hires pass are sent with the request alone."""
    asked = Workload(512, 512, batch=2, hires=(1024, 1024))
    body = {"seed": 1, "subseed": 2, "batch_size": 2, "override_settings": {"sd_vae": "x"}}
    request = Request("POST", TXT2IMG, body, 2)
    whole = split.next_portion(0, 2, 2)
    assert portions.request_of(request, whole, asked, asked) == request
    work = replace(asked, together=False, decoder=Decoder.TINY, hires=(768, 768))
    sent = portions.request_of(request, whole, work, asked).body
    assert sent == {
        **body,
        "override_settings": {
            "sd_vae": "x",
            "batch_cond_uncond": False,
            "sd_vae_decode_method": "TAESD",
        },
        "hr_resize_x": 768,
        "hr_resize_y": 768,
    }
    assert body["override_settings"] == {"sd_vae": "x"}


@pytest.mark.parametrize(
    ("flags", "options", "wanted"),
    [
        ({}, {}, Server("other")),
        (None, "nonsense", Server("other")),
        ({"opt_sdp_attention": True}, {}, Server("sdp")),
        ({"opt_sdp_no_mem_attention": True}, {}, Server("sdp")),
        ({"xformers": True}, {"cross_attention_optimization": "Automatic"}, Server("xformers")),
        ({"xformers": True}, {"cross_attention_optimization": "Doggettx"}, Server("other")),
        ({}, {"cross_attention_optimization": "sdp - scaled dot product"}, Server("sdp")),
        ({"no_half": True}, {}, Server("other", half=False, half_vae=False)),
        ({"no_half_vae": True}, {}, Server("other", half_vae=False)),
        ({"medvram": True}, {}, Server("other", medvram=True)),
        ({"lowvram": True}, {}, Server("other", medvram=True)),
        ({"medvram_sdxl": True}, {}, Server("other")),
    ],
)
def test_flags_and_options_say_how_a_webui_computes(
    flags: object, options: object, wanted: Server
) -> None:
    """Attention, number format and medvram come from the server's own words, else its defaults."""
    assert traits(flags, options).server("sd15") == wanted


def test_medvram_for_sdxl_counts_for_sdxl_alone() -> None:
    """The flag for one family leaves the others as they are."""
    known = traits({"medvram_sdxl": True}, {})
    assert known.server("sdxl").medvram
    assert not known.server("sd21").medvram


@given(st.integers(0, 15), st.integers(1, 16), st.floats(0, 1))
def test_progress_of_a_portion_is_progress_of_the_job(first: int, count: int, ratio: float) -> None:
    """It begins where the portion before it ended and ends where the next one begins."""
    total = first + count
    reading = within(Progress(Phase.sampling, ratio, eta_s=3.0), first, count, total)
    assert first / total <= reading.progress <= 1 + 1e-9
    assert (reading.eta_s is None) == (first > 0)
