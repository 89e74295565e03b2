"""How much video memory does a job need on the pretended card? Pure.

The form: context + weights + the largest of UNet activations and decode, where the allocator still
holds a share of the activations while it decodes. UNet activations grow with batch x pixels; the
decode goes image by image, so it does not grow with the batch.

The constants come from replaying the allocations of the real modules (fp16, flash attention,
conditional and unconditional batched) through a model of torch's caching allocator, rounded up to
ComfyUI's and InvokeAI's constants where those are higher. No card took part in it: the figures are
for trying out what happens at the limit, not for buying one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

MIB = 1024 * 1024

#: CUDA context and library workspaces.
CONTEXT_BYTES = 614 * MIB
#: Decoding one pixel: what live tensors take, and what the allocator reserves for it.
DECODE_ALLOCATED_BYTES = 2560
DECODE_RESERVED_BYTES = 4400
#: Encoding one pixel of an init image.
ENCODE_RESERVED_BYTES = 3500
#: The tiny decoder (TAESD) against the full one. An order of magnitude, not a measurement.
TINY_DECODER_RATIO = 0.1


#: Of so many jobs each takes far more than its like, by so much on average. Assumed.
_FAR_SHARE, _FAR_RATIO = 0.02, 0.15


@dataclass(frozen=True)
class Family:
    """What the models of one architecture have in common."""

    name: str
    weights_bytes: int
    #: UNet activations per pixel of each of the batch's conditional and unconditional halves.
    unet_allocated_bytes: int
    unet_reserved_bytes: int
    #: Share of the UNet's reserve that is still held when the decode peaks.
    held_ratio: float


SD15 = Family("SD 1.5", 2034 * MIB, 260, 350, 0.4)
SDXL = Family("SDXL", 6616 * MIB, 200, 321, 0.55)


@dataclass(frozen=True)
class Workload:
    """What of a job decides how much memory it needs."""

    family: Family
    width: int
    height: int
    batch: int
    #: Size of the second pass; None where there is none.
    hires: tuple[int, int] | None = None
    batch_cond_uncond: bool = True
    tiny_decoder: bool = False
    encodes: bool = False


@dataclass(frozen=True)
class Need:
    """Bytes beyond context and weights, at the peak of sampling and of the whole job."""

    sampling_bytes: int
    peak_bytes: int
    #: The same peak as live tensors, which the allocator's reserve exceeds.
    peak_allocated_bytes: int


def luck(number: int, spread_ratio: float) -> float:
    """Return by which factor the job of that number differs from others of its kind.

    On a real card no two jobs reserve the same: what the allocator's cache holds differs.
    """
    if not spread_ratio:
        return 1.0
    drawn = random.Random(number)
    far = 1 + drawn.expovariate(1 / _FAR_RATIO) if drawn.random() < _FAR_SHARE else 1.0
    return drawn.lognormvariate(0, spread_ratio) * far


def _pass(work: Workload, pixels: int, *, last: bool, first: bool) -> Need:
    halves = (2 if work.batch_cond_uncond else 1) * work.batch
    unet = work.family.unet_reserved_bytes * halves * pixels
    scale = TINY_DECODER_RATIO if work.tiny_decoder else 1.0
    # Before the decode of a second pass the real server empties the allocator's cache.
    held = work.family.held_ratio * unet if first else 0
    decode = int(DECODE_RESERVED_BYTES * scale * pixels + held) if last else 0
    encode = ENCODE_RESERVED_BYTES * pixels if work.encodes else 0
    live_unet = work.family.unet_allocated_bytes * halves * pixels
    live_decode = int(DECODE_ALLOCATED_BYTES * scale * pixels) if last else 0
    return Need(max(unet, encode), max(unet, encode, decode), max(live_unet, live_decode))


def need(work: Workload, factor: float = 1.0) -> Need:
    """Return what a job needs; every figure grows with the batch and with the pixels.

    Args:
        work: The job.
        factor: Its luck, of which every figure is a multiple.
    """
    passes = [
        _pass(work, work.width * work.height, last=work.hires is None, first=True),
    ]
    if work.hires is not None:
        passes.append(_pass(work, work.hires[0] * work.hires[1], last=True, first=False))
    return Need(
        int(factor * max(each.sampling_bytes for each in passes)),
        int(factor * max(each.peak_bytes for each in passes)),
        int(factor * max(each.peak_allocated_bytes for each in passes)),
    )
