"""How does a WebUI compute?

Covers: from its flags and options to what the memory estimate needs to know. Pure.
Leaves out: asking for them (`planning`). The flags hold passwords: only what is named here is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from podkeeper.policy.families import SDXL
from podkeeper.policy.vram_cost import Decoder, Server

_SDP_FLAGS = ("opt_sdp_attention", "opt_sdp_no_mem_attention")


@dataclass(frozen=True)
class Traits:
    """What of a WebUI holds until it is restarted."""

    attention: str = "other"
    half: bool = True
    half_vae: bool = True
    #: For every family, and for SDXL alone.
    medvram: bool = False
    medvram_sdxl: bool = False
    #: Whether conditional and unconditional halves go through the UNet together.
    together: bool = True
    decoder: Decoder = Decoder.FULL
    #: The checkpoint of jobs that name none.
    checkpoint: str | None = None

    def server(self, family: str) -> Server:
        """Return how it computes with a model of a family."""
        medvram = self.medvram or (self.medvram_sdxl and family == SDXL)
        return Server(self.attention, self.half, self.half_vae, medvram)


def _attention(flags: dict[str, Any], options: dict[str, Any]) -> str:
    """Return how attention is computed; what is chosen in the options wins over the flags."""
    chosen = str(options.get("cross_attention_optimization") or "Automatic").lower()
    if not chosen.startswith("automatic"):
        return next((each for each in ("sdp", "xformers") if chosen.startswith(each)), "other")
    if flags.get("xformers"):
        return "xformers"
    return "sdp" if any(flags.get(each) for each in _SDP_FLAGS) else "other"


def traits(flags: object, options: object) -> Traits:
    """Return how a WebUI computes; what it does not say is taken for its default."""
    said = flags if isinstance(flags, dict) else {}
    chosen = options if isinstance(options, dict) else {}
    checkpoint = chosen.get("sd_model_checkpoint")
    half = not said.get("no_half")
    return Traits(
        attention=_attention(said, chosen),
        half=half,
        half_vae=half and not said.get("no_half_vae"),
        medvram=bool(said.get("medvram") or said.get("lowvram")),
        medvram_sdxl=bool(said.get("medvram_sdxl")),
        together=bool(chosen.get("batch_cond_uncond", True)),
        decoder=Decoder.TINY if chosen.get("sd_vae_decode_method") == "TAESD" else Decoder.FULL,
        checkpoint=checkpoint if isinstance(checkpoint, str) else None,
    )
