"""The routes that watch and steer the server: progress, memory, options, checkpoints, its end."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse, Response

from podkeeper.sim.webui import draw
from podkeeper.sim.webui.catalogue import find_checkpoint
from podkeeper.sim.webui.errors import SafetensorError

if TYPE_CHECKING:
    from podkeeper.sim.webui.world import World

_log = logging.getLogger("sim.webui")
#: How much smaller than the picture its preview is.
_PREVIEW_SHRINK = 8


def _preview(world: World) -> str | None:
    job = world.running
    if job is None or not world.progress.sampling_step or not world.options["live_previews_enable"]:
        return None
    width, height = (max(1, side // _PREVIEW_SHRINK) for side in job.size)
    small = draw.picture(
        job.seed, str(job.asked["prompt"]), (width, height), done_ratio=world.progress.ratio
    )
    return draw.to_base64(small)


def progress(world: World, *, skip_current_image: bool) -> object:
    """Return how far the running job is; of waiting ones it says nothing."""
    return world.progress.answer(None if skip_current_image else _preview(world))


def memory(world: World) -> object:
    """Return what the server says of RAM and video memory."""
    return {"ram": world.ram.answer(), "cuda": world.card.answer()}


def interrupt(world: World) -> object:
    """End the running job within a step."""
    world.progress.interrupt()
    return {}


def skip(world: World) -> object:
    """End the running iteration within a step."""
    world.progress.skip()
    return None


def get_options(world: World) -> object:
    """Return all options.

    Raises:
        ValidationError: One of them was set to a value of the wrong type.
    """
    return world.options.answer()


def set_options(world: World, asked: dict[str, Any]) -> object:
    """Set options and, where they name another checkpoint, load it when no job runs.

    Raises:
        KeyError: There is no such option.
        RuntimeError: There is no such checkpoint.
    """
    name = asked.get("sd_model_checkpoint")
    if name is not None and find_checkpoint(name) is None:
        raise RuntimeError(f"model {name!r} not found")
    before = world.options["sd_model_checkpoint"]
    for option, value in asked.items():
        world.options.set(option, value)
    if name is not None:
        _switch(world, before)
    world.options.save()
    return None


def _switch(world: World, before: object) -> None:
    """Load the chosen checkpoint; a corrupt one is passed over in silence, as in the real one."""
    with world.queue:
        try:
            world.models.ready()
        except SafetensorError as error:
            _log.warning("cannot load the checkpoint: %s; the old one stays", error)
            world.options.set("sd_model_checkpoint", before)


def unload(world: World) -> object:
    """Take the weights off the card, even under a running job."""
    world.models.unload()
    return {}


def reload(world: World) -> object:
    """Put the weights back on the card."""
    world.models.reload()
    return {}


def refresh(world: World) -> object:
    """Look for new files, which there never are; waits for its turn."""
    with world.queue:
        return None


def ping(_world: World) -> object:
    """Answer, which with the UI says that the server listens."""
    return {}


def server_kill(_world: World) -> object:
    """End the process without an answer and with exit code 0, as the real route does."""
    os._exit(0)


def server_stop(world: World) -> Response:
    """Say "Stopping."; with the UI it also stops, without it nothing happens."""
    if world.flags.ui:
        world.stop()
    return PlainTextResponse("Stopping.")


def server_restart(_world: World) -> Response:
    """Refuse, unless the environment says that something restarts the server."""
    if not os.environ.get("SD_WEBUI_RESTART"):
        return Response(status_code=501)
    os._exit(0)
