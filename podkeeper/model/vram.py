"""By which constants is a job's memory estimated?

Covers: the values of `conf/vram.toml`, where each stands with its source.
Leaves out: reading the file (`settings.vram`), making an estimate of them (`policy.vram_cost`).
Sizes are in bytes.
"""

from __future__ import annotations

import msgspec


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class Terms(Part, frozen=True):
    """What holds for every family."""

    context_bytes: int
    #: Per pixel of one image.
    decode_bytes: int
    encode_bytes: int
    full_vae_ratio: float
    full_ratio: float
    tiny_decoder_ratio: float
    tiled_decoder_ratio: float
    controlnet_ratio: float
    lora_bytes: int


class Family(Part, frozen=True):
    """What the models of one architecture have in common; weights are in half precision."""

    name: str
    unet_bytes: int
    text_bytes: int
    vae_bytes: int
    controlnet_bytes: int
    #: Per pixel of each half (conditional, unconditional) of the batch.
    activation_bytes: int
    #: Share of the UNet's activations that is still held when the decode peaks.
    held_ratio: float
    #: Sizes people ask for, such as "512x768".
    sizes: list[str]

    @property
    def weights_bytes(self) -> int:
        """Return all weights together."""
        return self.unet_bytes + self.text_bytes + self.vae_bytes


class CalibrationRules(Part, frozen=True):
    """How measured peaks scale the estimate."""

    cold_margin: float
    cold_peaks: int
    guard_quantile: float
    guard_deviations: float
    window: int
    evidence: int
    overflow_ratio: float
    forgetting: float
    prior_deviation: float
    noise_ratio: float
    factor_min: float
    factor_max: float
    try_chance: float
    degrade_chance: float
    learned_peaks: int
    near_ratio: float


class LadderRules(Part, frozen=True):
    """How far an out-of-memory is answered."""

    most_steps: int
    smaller_ratio: float


class RamTerms(Part, frozen=True):
    """What of the WebUI lies in RAM."""

    base_bytes: int
    cpu_ratio: float
    switch_ratio: float
    lora_copies: int


class VramTable(Part, frozen=True):
    """All of it."""

    terms: Terms
    #: Factor on the UNet's activations by the way attention is computed.
    attention: dict[str, float]
    family: dict[str, Family]
    calibration: CalibrationRules
    ladder: LadderRules
    ram: RamTerms
