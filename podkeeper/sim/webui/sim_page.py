"""The simulator's own pages, which no real server has: what it is, and its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper.sim.webui import vram
from podkeeper.sim.webui.errors import HTTPError
from podkeeper.sim.webui.faults import KINDS, FaultError

if TYPE_CHECKING:
    from podkeeper.sim.webui.world import World

WHAT = (
    "podkeeper's simulator of AUTOMATIC1111's WebUI 1.10.1. Its answers have the real server's "
    "shapes; its pictures are drawn by no model, and its memory and times are pretended."
)


def _families() -> dict[str, object]:
    return {
        family.name: {
            "weights_bytes": family.weights_bytes,
            "unet_reserved_bytes_per_pixel_and_half_batch": family.unet_reserved_bytes,
            "held_while_decoding_ratio": family.held_ratio,
        }
        for family in (vram.SD15, vram.SDXL)
    }


def about(world: World) -> object:
    """Return what this is, its model of memory, its counters and its faults."""
    loaded = world.models.loaded
    return {
        "what": WHAT,
        "simulator": True,
        "loaded": loaded.title if loaded else None,
        "queue_depth": world.queue.depth,
        "counters": {**world.counters.values, "checkpoint_loads": world.models.loads},
        "memory": {
            "vram_bytes": world.card.total_bytes,
            "context_bytes": vram.CONTEXT_BYTES,
            "decode_reserved_bytes_per_pixel": vram.DECODE_RESERVED_BYTES,
            "families": _families(),
            "ram_model_bytes": world.ram.model_bytes,
            "ram_is_real": world.ram.real,
            "leaked_bytes": world.ram.leaked_bytes,
            "cached_bytes": world.ram.cached_bytes,
        },
        "faults": world.faults.active(),
        "known_faults": {
            name: {"what": kind.__doc__, "parameters": msgspec.to_builtins(kind())}
            for name, kind in KINDS.items()
        },
    }


def switch(world: World, asked: dict[str, Any]) -> object:
    """Switch faults on and off and return those that are on.

    Raises:
        HTTPError: 422, there is no such fault or parameter.
    """
    try:
        world.faults.switch(asked)
    except FaultError as error:
        raise HTTPError(422, str(error)) from error
    return world.faults.active()
