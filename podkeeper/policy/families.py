"""Of which family is a checkpoint, and how large are its parts?

Covers: from the names and shapes of its tensors, or from its file's name where there is nothing
else. Pure.
Leaves out: reading the file (`handler.checkpoints`).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SD15, SD21, SDXL = "sd15", "sd21", "sdxl"

_UNET, _VAE = "model.diffusion_model.", "first_stage_model."
_TEXT = ("cond_stage_model.", "conditioner.")
#: The text encoders of each family, by the beginning of their tensors' names.
_MARKS = (
    ("conditioner.embedders.", SDXL),
    ("cond_stage_model.model.", SD21),
    ("cond_stage_model.transformer.", SD15),
)
_NAMES = (
    (re.compile(r"xl|pony|illustrious", re.IGNORECASE), SDXL),
    (re.compile(r"v2-1|sd_?2[.\d]|768-?v", re.IGNORECASE), SD21),
    (re.compile(r"sd_?v?1[.\d]|v1-5", re.IGNORECASE), SD15),
)


class Parameters(NamedTuple):
    """How many numbers each part has; what is not in the file counts 0."""

    unet: int
    text: int
    vae: int


def of_tensors(names: Iterable[str]) -> str | None:
    """Return the family that tensors of these names are of, or None where they are of none."""
    known = tuple(names)
    found = (family for mark, family in _MARKS if any(each.startswith(mark) for each in known))
    return next(found, None)


def of_name(name: str) -> str | None:
    """Return the family that a file's name speaks of, or None where it speaks of none."""
    return next((family for pattern, family in _NAMES if pattern.search(name)), None)


def parameters(shapes: Mapping[str, Sequence[int]]) -> Parameters:
    """Return the size of each part; copies for training (EMA) are not loaded and do not count."""

    def numbers(*beginnings: str) -> int:
        sizes = (math.prod(size) for name, size in shapes.items() if name.startswith(beginnings))
        return sum(sizes)

    return Parameters(numbers(_UNET), numbers(*_TEXT), numbers(_VAE))
