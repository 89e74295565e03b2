"""What does the simulator answer where a real WebUI has podkeeper's extension?

Covers: the same routes and shapes, from the simulator's model of memory; `simulator` is true in
each answer. Stacks and traces are this process's own.
Leaves out: the extension itself, which no part of it can use.
"""

from __future__ import annotations

import asyncio
import functools
import os
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from podkeeper.sim.webui import reclaim
from podkeeper.sim.webui.vram import CONTEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from podkeeper.sim.webui.world import World

    Answer = dict[str, Any]

PREFIX = "/podkeeper/"
_ABOUT = {"version": "simulated", "simulator": True, "pid": os.getpid()}


def _checkpoints(world: World) -> Answer:
    loaded = world.models.loaded
    spare = [each.title for each in world.models.spare]
    names = [loaded.title, *spare] if loaded else spare
    return {"current": loaded.title if loaded else None, "names": names}


def _torch(world: World) -> Answer:
    now = world.card.now
    split = now["reserved"] - now["allocated"]
    return {
        "allocated_bytes": now["allocated"],
        "reserved_bytes": now["reserved"],
        "active_bytes": now["allocated"],
        "inactive_split_bytes": split,
        "retries": world.card.retries,
        "ooms": world.card.ooms,
        "fragmentation_ratio": split / now["reserved"] if now["reserved"] else 0.0,
    }


def _owners(world: World) -> list[Answer]:
    """Return what the checkpoint holds: the model knows no parts."""
    loaded = world.models.loaded
    if loaded is None:
        return []
    on_card = world.card.now["allocated"] if world.models.on_card else 0
    ram_bytes = world.settings.checkpoint_ram_bytes
    part = {"part": "weights", "device_bytes": on_card, "ram_bytes": ram_bytes}
    return [{"checkpoint": loaded.title, **part}]


def memory(world: World, *, owners: bool = False) -> Answer:
    """Return what the modelled server and its card hold."""
    used, card = world.ram.used_bytes, bool(world.card.total_bytes)
    free = world.card.total_bytes - CONTEXT_BYTES - world.card.now["reserved"]
    answer = {
        "extension": _ABOUT,
        "ram": {
            "anon_bytes": used,
            "rss_bytes": used,
            "file_bytes": 0,
            "swap_bytes": 0,
            "rss_peak_bytes": world.ram.peak_bytes,
        },
        "allocator": {"name": "simulated", "path": ""},
        "device": {"free_bytes": free, "total_bytes": world.card.total_bytes} if card else None,
        "torch": _torch(world) if card else None,
        "checkpoints": _checkpoints(world),
        "jobs": world.jobs.answer(),
        "missing": {} if card else {"torch": "the simulated server has no card"},
    }
    return {**answer, "owners": _owners(world)} if owners else answer


def state(world: World) -> Answer:
    """Return whether a checkpoint is loaded, and how the start went."""
    models = world.models
    known = "loading" if models.loading else "loaded" if models.loaded else "absent"
    after_s = None if models.loaded_at_s is None else models.loaded_at_s - world.made_at_s
    start_s = world.settings.start_s * world.start_factor
    return {
        "extension": _ABOUT,
        "model": {
            "state": known,
            "name": models.loaded.title if models.loaded else None,
            "loads": models.loads,
            "loaded_after_s": after_s,
        },
        "job": world.progress.job or None,
        "startup": {"total_s": start_s, "records": {"simulated": start_s}},
        "missing": {},
    }


def _frames(frame: Any) -> list[Answer]:
    found: list[Answer] = []
    while frame is not None:
        code = frame.f_code
        found.insert(
            0, {"file": code.co_filename, "line": frame.f_lineno, "function": code.co_name}
        )
        frame = frame.f_back
    return found


def stacks() -> list[Answer]:
    """Return where this process's threads stand."""
    frames = sys._current_frames()  # noqa: SLF001 - documented for this use
    return [
        {
            "id": each.ident,
            "name": each.name,
            "daemon": each.daemon,
            "frames": _frames(frames.get(each.ident or 0)),
        }
        for each in threading.enumerate()
    ]


def _text(found: list[Answer]) -> str:
    lines = [
        line
        for each in found
        for line in (
            f'Thread {each["id"]} "{each["name"]}", most recent call last:',
            *(f"  {one['function']} ({one['file']}:{one['line']})" for one in each["frames"]),
        )
    ]
    return "\n".join(lines) + "\n"


def profile(span_s: float, top: int) -> Answer:
    """Return where this process allocates what it still holds after a span."""
    tracemalloc.start()
    try:
        time.sleep(span_s)
        held_bytes, peak_bytes = tracemalloc.get_traced_memory()
        found = tracemalloc.take_snapshot().statistics("lineno")[:top]
    finally:
        tracemalloc.stop()
    sites = [
        {
            "file": each.traceback[0].filename,
            "line": each.traceback[0].lineno,
            "bytes": each.size,
            "count": each.count,
        }
        for each in found
    ]
    return {"span_s": span_s, "held_bytes": held_bytes, "peak_bytes": peak_bytes, "sites": sites}


async def _in_thread(work: Callable[[], Answer]) -> Response:
    """Answer from a thread that jobs do not wait in."""
    return JSONResponse(await asyncio.to_thread(work))


async def _memory(request: Request) -> Response:
    owners = bool(request.query_params.get("owners"))
    return await _in_thread(functools.partial(memory, request.app.state.world, owners=owners))


async def _state(request: Request) -> Response:
    return JSONResponse(state(request.app.state.world))


async def _stacks(request: Request) -> Response:
    found = stacks()
    if request.query_params.get("format") == "text":
        return PlainTextResponse(_text(found))
    return JSONResponse({"extension": _ABOUT, "threads": found})


async def _reclaim(request: Request) -> Response:
    asked = await request.json()
    wait_s, drop = asked.get("wait_s", 0), asked.get("drop_checkpoints", False)
    work = functools.partial(
        reclaim.reclaim, request.app.state.world, wait_s, drop_checkpoints=drop
    )
    return await _in_thread(lambda: {"extension": _ABOUT, **work()})


async def _profile(request: Request) -> Response:
    asked = await request.json()
    work = functools.partial(profile, asked.get("span_s", 0), asked.get("top") or 10)
    return await _in_thread(lambda: {"extension": _ABOUT, **work()})


def routes() -> list[Route]:
    """Return the routes that the extension adds to a server."""
    return [
        Route(PREFIX + "memory", _memory, methods=["GET"]),
        Route(PREFIX + "state", _state, methods=["GET"]),
        Route(PREFIX + "stacks", _stacks, methods=["GET"]),
        Route(PREFIX + "reclaim", _reclaim, methods=["POST"]),
        Route(PREFIX + "profile", _profile, methods=["POST"]),
    ]
