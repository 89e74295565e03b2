"""What does the simulated server give back when it is asked to, and what not?

Covers: the same steps and words as podkeeper's extension has. Spare checkpoints, what the model
calls an allocator's cache and what the card caches go, really where the memory is real; a leak and
the loaded checkpoint stay.
"""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.sim.webui.world import World

    Held = tuple[int, int | None]


def _held(world: World) -> Held:
    card = world.card
    return world.ram.used_bytes, card.now["reserved"] if card.total_bytes else None


def _freed(before: Held, after: Held) -> tuple[int, int | None]:
    vram = None if before[1] is None or after[1] is None else before[1] - after[1]
    return before[0] - after[0], vram


def _drop(world: World) -> str:
    dropped = ", ".join(each.title for each in world.models.drop_spare()) or "none kept"
    return f"{dropped}; 0 cached files"


def _collect(_world: World) -> str:
    return f"{gc.collect()} objects"


def _empty(world: World) -> str:
    world.card.empty()
    return "empty_cache, ipc_collect"


def _release(world: World) -> str:
    world.ram.drop_cache()
    return "simulated"


_STEPS: dict[str, Callable[[World], str]] = {
    "collect_garbage": _collect,
    "empty_cuda_cache": _empty,
    "release_allocator": _release,
}


def _step(world: World, name: str, work: Callable[[World], str]) -> dict[str, Any]:
    before, began_s = _held(world), time.monotonic()
    detail = work(world)
    ram_bytes, vram_bytes = _freed(before, _held(world))
    took_s = time.monotonic() - began_s
    freed = {"ram_freed_bytes": ram_bytes, "vram_freed_bytes": vram_bytes}
    return {"name": name, "done": True, "detail": detail, **freed, "took_s": took_s}


def _skipped(name: str, wait_s: float) -> dict[str, Any]:
    why = f"a job held the queue for {wait_s:g} s"
    freed = {"ram_freed_bytes": None, "vram_freed_bytes": None}
    return {"name": name, "done": False, "detail": why, **freed, "took_s": 0.0}


def _total(before: int | None, after: int | None) -> dict[str, int | None]:
    freed = None if before is None or after is None else before - after
    return {"before_bytes": before, "after_bytes": after, "freed_bytes": freed}


def reclaim(world: World, wait_s: float, *, drop_checkpoints: bool) -> dict[str, Any]:
    """Give back what can be given back, once no job runs or waits, and return what came of it."""
    began_s, before = time.monotonic(), _held(world)
    steps = {"drop_checkpoints": _drop, **_STEPS} if drop_checkpoints else _STEPS
    idle = world.queue.take_if_idle(wait_s)
    if idle:
        try:
            done = [_step(world, name, work) for name, work in steps.items()]
        finally:
            world.queue.give_back()
    else:
        done = [_skipped(name, wait_s) for name in steps]
    after = _held(world)
    return {
        "idle": idle,
        "steps": done,
        "ram": _total(before[0], after[0]),
        "vram": _total(before[1], after[1]),
        "took_s": time.monotonic() - began_s,
    }
