"""What may one job ask for at most?

Covers: the settings that bound a job's input, as one value.
Leaves out: what the WebUI happens to have (`validation.catalog`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.settings.schema import HandlerSettings


@dataclass(frozen=True)
class Limits:
    """Bounds of a job's input."""

    max_pixels: int
    max_images: int
    max_steps: int
    max_prompt_bytes: int
    max_init_image_bytes: int
    allowed_scripts: frozenset[str] = frozenset()


def limits_of(settings: HandlerSettings) -> Limits:
    """Return the limits that the settings set."""
    return Limits(
        max_pixels=settings.max_pixels,
        max_images=settings.max_images,
        max_steps=settings.max_steps,
        max_prompt_bytes=settings.max_prompt_bytes,
        max_init_image_bytes=settings.max_init_image_bytes,
        allowed_scripts=frozenset(each.casefold() for each in settings.allowed_scripts),
    )
