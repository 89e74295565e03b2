"""What do jobs really take on the simulated card, and how long do they take?

The true constants differ from the table's: each by a factor drawn once for a card, lognormal with
20 to 25 %. Each attempt differs by another 5 %, two jobs in a hundred by far more, and a LoRA takes
what it takes. The planner knows none of it.

Times are assumed, of the order of one fast card; only their ratios count.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from bench.oom.stream import STEPS
from podkeeper.policy.vram_cost import Model, Peak, Server, Workload

if TYPE_CHECKING:
    from podkeeper.model.vram import VramTable

MIB, GIB = float(1 << 20), float(1 << 30)
_SPREAD = (0.20, 0.25)
_NOISE = 0.05
_TAIL_SHARE, _TAIL_MEAN = 0.02, 0.15
_LORA_BYTES = 300 * MIB
#: What other processes hold on the card, at most.
OTHERS_BYTES = 200 * MIB

#: Seconds: of one pass of the UNet, of one million pixels in it, of decoding as many, of a request.
_LAUNCH_S, _UNET_S, _DECODE_S, _REQUEST_S = 0.012, 0.042, 0.15, 0.25
_UNET_RATIO = {"sd15": 1.0, "sd21": 1.0, "sdxl": 2.6}
_MILLION = 1e6


@dataclass(frozen=True)
class Luck:
    """What of one job nobody can know before."""

    #: Factor of each attempt in turn.
    attempts: tuple[float, ...]
    #: Factor of all of them.
    tail: float
    lora_bytes: float


class Card:
    """A card with its true constants."""

    def __init__(self, table: VramTable, total_bytes: float, seed: int, *, medvram: bool) -> None:
        draw = random.Random(seed)  # noqa: S311 - a simulation
        self._draw = draw
        self._table = table
        self.medvram = medvram
        #: What there is for jobs; the planner reads it, as it reads a card's free memory.
        self.limit_bytes = total_bytes - draw.uniform(0, OTHERS_BYTES)
        self._models = {name: self._true(name) for name in table.family}
        self._factors = {name: self._spread(4) for name in table.family}

    def _spread(self, count: int) -> list[float]:
        deviation = self._draw.uniform(*_SPREAD)
        return [self._draw.lognormvariate(0, deviation) for _ in range(count)]

    def server(self, family: str) -> Server:
        """Return how the WebUI computes: small cards run SDXL with --medvram-sdxl."""
        return Server(medvram=self.medvram and family == "sdxl")

    def _true(self, name: str) -> Model:
        held, nets = self._spread(2)
        family, terms = self._table.family[name], self._table.terms
        replace = msgspec.structs.replace
        return Model(
            replace(family, held_ratio=min(1.0, family.held_ratio * held)),
            self.server(name),
            replace(terms, controlnet_ratio=terms.controlnet_ratio * nets, lora_bytes=0),
            1.0,
        )

    def luck(self) -> Luck:
        """Return what is drawn for one job."""
        far = self._draw.random() < _TAIL_SHARE
        return Luck(
            tuple(self._draw.lognormvariate(0, _NOISE) for _ in range(16)),
            1 + self._draw.expovariate(1 / _TAIL_MEAN) if far else 1.0,
            self._draw.uniform(0, _LORA_BYTES),
        )

    def _peak(self, family: str, work: Workload) -> tuple[float, Peak]:
        factors = self._factors[family]

        def uncertain(peak: Peak) -> float:
            return sum(a * b for a, b in zip(factors, peak.parts_bytes, strict=True))

        peaks = self._models[family].peaks(work)
        highest = max(peaks, key=lambda peak: peak.weights_bytes + uncertain(peak))
        return uncertain(highest), highest

    def need_bytes(self, family: str, work: Workload, luck: Luck, attempt: int | None) -> float:
        """Return what an attempt takes; without a number, what it takes luck aside."""
        uncertain, peak = self._peak(family, work)
        noise = 1.0 if attempt is None else luck.attempts[attempt % len(luck.attempts)]
        return peak.weights_bytes + uncertain * noise * luck.tail + work.loras * luck.lora_bytes

    def fits(self, family: str, work: Workload, luck: Luck, attempt: int | None) -> bool:
        """Return whether an attempt has room."""
        return self.need_bytes(family, work, luck, attempt) <= self.limit_bytes

    def failed_s(self, family: str, work: Workload) -> float:
        """Return how long an attempt lasts that runs out: what decodes has sampled before."""
        _, peak = self._peak(family, work)
        whole_s = request_s(family, work, 1, medvram=self.server(family).medvram)
        return whole_s if peak.decode_bytes else whole_s / STEPS


def _pass_s(family: str, work: Workload, pixels: int, *, medvram: bool) -> float:
    together = work.together and not medvram
    halves, calls = (2, 1) if together else (1, 2)
    unet_s = _UNET_S * _UNET_RATIO[family] * halves * work.batch * pixels / _MILLION
    return STEPS * calls * (_LAUNCH_S + unet_s)


def request_s(family: str, work: Workload, iterations: int, *, medvram: bool) -> float:
    """Return how long a request takes that makes `iterations` batches."""
    sizes = [work.width * work.height] + ([work.hires[0] * work.hires[1]] if work.hires else [])
    sampling_s = sum(_pass_s(family, work, pixels, medvram=medvram) for pixels in sizes)
    decode_s = work.batch * _DECODE_S * sizes[-1] / _MILLION
    return _REQUEST_S + iterations * (sampling_s + decode_s)
