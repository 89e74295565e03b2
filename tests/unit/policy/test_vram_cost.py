"""How much video memory a job takes by the table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_strategies import MIB, MODELS, TABLE, exactly, workloads

from podkeeper.policy import families, ram_cost
from podkeeper.policy.vram_cost import Decoder, Model, Server, Workload, model_of
from podkeeper.settings import vram

if TYPE_CHECKING:
    from pathlib import Path


def total_mib(family: str, work: Workload, server: Server | None = None) -> float:
    """Return the highest peak in MiB, without the CUDA context."""
    peaks = model_of(TABLE, family, server or Server()).peaks(work)
    return (max(each.total_bytes for each in peaks) - TABLE.terms.context_bytes) / MIB


@pytest.mark.parametrize(
    ("family", "size", "batch", "wanted_mib"),
    [
        ("sd15", 512, 1, 3150),
        ("sd15", 512, 4, 3378),
        ("sd15", 512, 8, 3714),
        ("sd15", 768, 1, 4612),
        ("sd15", 1024, 1, 6576),
        ("sd15", 1024, 4, 7400),
        ("sd15", 1536, 1, 12252),
        ("sd15", 2048, 1, 20198),
        ("sdxl", 768, 1, 9222),
        ("sdxl", 1024, 1, 11226),
        ("sdxl", 1024, 4, 12272),
        ("sdxl", 1024, 8, 13806),
        ("sdxl", 1536, 1, 16990),
        ("sdxl", 2048, 1, 25052),
    ],
)
def test_the_estimate_is_near_the_replayed_allocations(
    family: str, size: int, batch: int, wanted_mib: int
) -> None:
    """Weights and peak are within a tenth of what replaying the real modules' allocations gave."""
    assert total_mib(family, Workload(size, size, batch)) == pytest.approx(wanted_mib, rel=0.1)


def test_medvram_takes_the_larger_of_sampling_and_decoding() -> None:
    """SDXL at 1024 x 1024 takes about 6 GiB with the context where only one part is on the card."""
    server = Server(medvram=True)
    context_mib = TABLE.terms.context_bytes / MIB
    assert total_mib("sdxl", Workload(1024, 1024), server) + context_mib == pytest.approx(
        6.0 * 1024, rel=0.1
    )


@given(MODELS, workloads(), st.data())
def test_nothing_shrinks_when_more_is_asked(
    model: Model, work: Workload, data: st.DataObject
) -> None:
    """More pixels, images, ControlNets or LoRAs never lower the peak."""
    more = data.draw(
        st.sampled_from(
            [
                replace(work, width=work.width + 8),
                replace(work, height=work.height + 64),
                replace(work, batch=work.batch + 1),
                replace(work, controlnets=work.controlnets + 1),
                replace(work, loras=work.loras + 1),
                replace(work, encodes=True),
                replace(work, together=True),
                replace(work, decoder=Decoder.FULL),
            ]
        )
    )
    before, after = (max(each.total_bytes for each in model.peaks(w)) for w in (work, more))
    assert after >= before


@given(MODELS, workloads())
def test_the_parts_of_a_peak_are_all_of_it(model: Model, work: Workload) -> None:
    """No part is negative, and weights and parts together are the peak."""
    for peak in model.peaks(work):
        assert min(peak.weights_bytes, *peak.parts_bytes) >= 0
        assert peak.total_bytes == pytest.approx(peak.weights_bytes + sum(peak.parts_bytes))


def test_full_precision_takes_twice_the_weights() -> None:
    """Without half precision the weights double, and so does what the VAE takes."""
    half, full = (
        max(
            model_of(TABLE, "sd15", Server(half=each)).peaks(Workload(512, 512)),
            key=lambda peak: peak.total_bytes,
        )
        for each in (True, False)
    )
    assert full.weights_bytes == 2 * half.weights_bytes
    assert full.decode_bytes == TABLE.terms.full_vae_ratio * half.decode_bytes


def test_the_sizes_of_the_table_can_be_read() -> None:
    """Each size that the table names for a family is two numbers and an x."""
    for family in TABLE.family.values():
        assert all(len([int(side) for side in size.split("x")]) == 2 for size in family.sizes)


@pytest.mark.parametrize("text", ["[terms]\ncontext_bytes = 'much'", "not toml", "[terms]"])
def test_a_broken_table_says_where_it_is(tmp_path: Path, text: str) -> None:
    """What cannot be read ends with the file's name, not with a stack of calls."""
    (tmp_path / "vram.toml").write_text(text)
    with pytest.raises(vram.VramTableError, match=r"cannot read .*vram\.toml"):
        vram.read(tmp_path)


@pytest.mark.parametrize(
    ("tensor", "family"),
    [
        ("conditioner.embedders.1.model.token_embedding.weight", "sdxl"),
        ("cond_stage_model.model.ln_final.bias", "sd21"),
        ("cond_stage_model.transformer.text_model.embeddings.position_ids", "sd15"),
        ("lora_unet_down.weight", None),
    ],
)
def test_a_checkpoint_shows_its_family_by_its_text_encoder(tensor: str, family: str | None) -> None:
    """The names of the text encoder's tensors tell the families apart."""
    assert families.of_tensors(["model.diffusion_model.out.2.bias", tensor]) == family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd_xl_base_1.0.safetensors", "sdxl"),
        ("ponyDiffusionV6.safetensors", "sdxl"),
        ("v2-1_768-ema-pruned.ckpt", "sd21"),
        ("v1-5-pruned-emaonly.safetensors", "sd15"),
        ("somebodysMix.safetensors", None),
    ],
)
def test_a_files_name_may_tell_the_family(name: str, family: str | None) -> None:
    """A usual name tells the family, any other tells nothing."""
    assert families.of_name(name) == family


def test_the_parts_of_a_checkpoint_are_counted_without_copies_for_training() -> None:
    """Each number of UNet, text encoder and VAE counts once; EMA copies are not loaded."""
    shapes = {
        "model.diffusion_model.a": [2, 3],
        "first_stage_model.b": [5],
        "conditioner.c": [],
        "model_ema.diffusion_modela": [2, 3],
    }
    assert families.parameters(shapes) == (6, 1, 5)


def test_ram_of_a_switch_is_near_what_was_measured() -> None:
    """A full checkpoint on a CPU, and switching to another, take about what A1111 was seen to."""
    loaded = ram_cost.on_cpu_bytes(TABLE.family["sd15"], TABLE.ram)
    assert loaded == pytest.approx(4.95e9, rel=0.05)
    assert ram_cost.switch_peak_bytes(loaded, 2.13e9, TABLE.ram) == pytest.approx(7.16e9, rel=0.05)


def test_a_lora_keeps_copies_of_what_it_touches_in_ram() -> None:
    """The first LoRA of an SDXL model adds the size of its UNet and text encoders."""
    family = TABLE.family["sdxl"]
    without, with_lora = (
        ram_cost.settled_bytes(family, TABLE.ram, in_ram=False, loras=each)
        for each in (False, True)
    )
    assert with_lora - without == family.unet_bytes + family.text_bytes
    waiting = ram_cost.settled_bytes(family, TABLE.ram, in_ram=True, loras=False)
    assert waiting - without == family.weights_bytes


def test_the_guard_of_a_lived_estimator_is_the_estimate_times_its_margin() -> None:
    """Weights are known: the margin is on the rest alone."""
    work = Workload(512, 512)
    plain, wide = exactly(), exactly(margin=1.5)
    peak = max(plain.model.peaks(work), key=lambda each: each.total_bytes)
    assert plain.guard_bytes(work) == pytest.approx(peak.total_bytes)
    rest = peak.total_bytes - peak.weights_bytes
    assert wide.guard_bytes(work) == pytest.approx(peak.weights_bytes + 1.5 * rest)
