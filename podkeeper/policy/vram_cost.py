"""At which instants does a job's video memory peak, and how much does it take then?

The form: context + weights + the largest, over the passes of a job, of UNet activations, of an
encode, and of a decode with what the allocator still holds of the activations. Activations grow
with batch x pixels; A1111 encodes and decodes image by image, so these do not grow with the batch.
Before the decode of a hires pass it empties the allocator's cache. With medvram only the part that
computes is on the card, and conditional and unconditional halves go one after the other.

Covers: from a job to its possible peaks, each as parts, so that measured ones can scale each part.
Leaves out: how far the constants are believed (`policy.calibration`), where they come from
(`conf/vram.toml`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.vram import Family, Terms, VramTable

Size = tuple[int, int]


class Decoder(StrEnum):
    """What turns latents into pixels."""

    FULL = "full"
    #: TAESD: approximate pictures.
    TINY = "tiny"
    #: In pieces, by an extension of the WebUI.
    TILED = "tiled"


@dataclass(frozen=True)
class Server:
    """What of the way a WebUI computes decides how much a job takes."""

    #: A name of the table's `attention`.
    attention: str = "sdp"
    half: bool = True
    half_vae: bool = True
    #: Whether parts of this family's models wait in RAM for their turn.
    medvram: bool = False

    @property
    def flags(self) -> str:
        """Return it in one word."""
        words = (
            self.attention,
            "half" if self.half else "full",
            "half_vae" if self.half_vae else "full_vae",
            "medvram" if self.medvram else "resident",
        )
        return "-".join(words)


@dataclass(frozen=True)
class Workload:
    """What of a job decides how much it takes. Sizes are in pixels."""

    width: int
    height: int
    batch: int = 1
    #: Size of the second pass; None where there is none.
    hires: Size | None = None
    #: Whether it starts from a picture.
    encodes: bool = False
    #: Whether the second pass enlarges the picture instead of the latents.
    hires_encodes: bool = False
    controlnets: int = 0
    loras: int = 0
    #: Whether conditional and unconditional halves go through the UNet together.
    together: bool = True
    decoder: Decoder = Decoder.FULL


@dataclass(frozen=True)
class Peak:
    """One instant at which the memory of a job may peak; in bytes."""

    #: Weights, which are known.
    weights_bytes: float
    #: The rest, by the table's constants.
    context_bytes: float
    unet_bytes: float = 0.0
    decode_bytes: float = 0.0
    encode_bytes: float = 0.0

    @property
    def parts_bytes(self) -> tuple[float, float, float, float]:
        """Return what is uncertain, part by part."""
        return self.context_bytes, self.unet_bytes, self.decode_bytes, self.encode_bytes

    @property
    def total_bytes(self) -> float:
        """Return all of it."""
        return self.weights_bytes + sum(self.parts_bytes)


@dataclass(frozen=True)
class Model:
    """One family on one WebUI, with the constants that hold there."""

    family: Family
    server: Server
    terms: Terms
    attention_ratio: float

    def _pass_peaks(self, work: Workload, pixels: int, *, first: bool) -> Iterator[Peak]:
        last = not first or work.hires is None
        unet = self._unet_bytes(work, pixels)
        yield Peak(self._sampling_weights(work), self.terms.context_bytes, unet_bytes=unet)
        vae = self._vae_weights(work)
        if work.encodes if first else work.hires_encodes:
            encode = self.terms.encode_bytes * pixels * self._vae_ratio
            yield Peak(vae, self.terms.context_bytes, encode_bytes=encode)
        if last:
            held = self.family.held_ratio * unet if first else 0.0
            decode = self._decode_bytes(work, pixels)
            yield Peak(vae, self.terms.context_bytes, unet_bytes=held, decode_bytes=decode)

    def peaks(self, work: Workload) -> tuple[Peak, ...]:
        """Return every instant at which the job may peak; no part shrinks with batch or size."""
        peaks = list(self._pass_peaks(work, work.width * work.height, first=True))
        if work.hires is not None:
            peaks += self._pass_peaks(work, work.hires[0] * work.hires[1], first=False)
        return tuple(peaks)

    def _unet_bytes(self, work: Workload, pixels: int) -> float:
        halves = 2 if work.together and not self.server.medvram else 1
        ratio = self.attention_ratio * (1 + self.terms.controlnet_ratio * work.controlnets)
        ratio *= 1.0 if self.server.half else self.terms.full_ratio
        return self.family.activation_bytes * halves * work.batch * pixels * ratio

    @property
    def _vae_ratio(self) -> float:
        half = self.server.half and self.server.half_vae
        return 1.0 if half else self.terms.full_vae_ratio

    def _decode_bytes(self, work: Workload, pixels: int) -> float:
        ratios = {
            Decoder.FULL: 1.0,
            Decoder.TINY: self.terms.tiny_decoder_ratio,
            Decoder.TILED: self.terms.tiled_decoder_ratio,
        }
        return self.terms.decode_bytes * pixels * self._vae_ratio * ratios[work.decoder]

    def _weights(self, *parts_bytes: int) -> float:
        return sum(parts_bytes) * (1.0 if self.server.half else self.terms.full_ratio)

    def _beside(self, work: Workload) -> float:
        return work.loras * self.terms.lora_bytes

    def _sampling_weights(self, work: Workload) -> float:
        family = self.family
        nets = work.controlnets * family.controlnet_bytes
        rest = 0 if self.server.medvram else family.text_bytes + family.vae_bytes
        return self._weights(family.unet_bytes, nets, rest) + self._beside(work)

    def _vae_weights(self, work: Workload) -> float:
        if self.server.medvram:
            return self._weights(self.family.vae_bytes) + self._beside(work)
        return self._sampling_weights(work)


def model_of(table: VramTable, family: str, server: Server) -> Model:
    """Return a family of the table on a WebUI."""
    attention = server.attention if server.attention in table.attention else "other"
    return Model(
        family=table.family[family],
        server=replace(server, attention=attention),
        terms=table.terms,
        attention_ratio=table.attention[attention],
    )
