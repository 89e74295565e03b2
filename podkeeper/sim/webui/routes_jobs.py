"""The routes that draw, enlarge and read pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PIL import Image

from podkeeper.sim.webui import draw, engine, images_in, infotext, jobs
from podkeeper.sim.webui.errors import HTTPError

if TYPE_CHECKING:
    from podkeeper.sim.webui.world import World


def txt2img(world: World, asked: dict[str, Any]) -> object:
    """Return pictures drawn from a prompt."""
    jobs.check_scripts(asked, "txt2img")
    return engine.run(world, "txt2img", lambda: jobs.make("txt2img", asked, []))


def img2img(world: World, asked: dict[str, Any]) -> object:
    """Return pictures drawn from a prompt and pictures.

    Raises:
        HTTPError: There is no init image, or it is none.
    """
    init = asked["init_images"]
    if not init:
        raise HTTPError(404, "Init image not found")
    if asked["mask"]:
        images_in.decode(asked["mask"])
    jobs.check_scripts(asked, "img2img")
    echo = asked if asked["include_init_images"] else {**asked, "init_images": None, "mask": None}
    return engine.run(
        world,
        "img2img",
        lambda: jobs.make("img2img", echo, [images_in.decode(each) for each in init]),
    )


def _enlarge(asked: dict[str, Any], image: Image.Image) -> tuple[Image.Image, str]:
    """Return the picture at its new size, and what was done to it as HTML."""
    if asked["upscaler_1"] in (None, "None"):
        return image, ""
    ratio = asked["upscaling_resize"]
    size, done = (int(image.width * ratio), int(image.height * ratio)), f"by: {ratio}"
    if asked["resize_mode"] == 1:
        size = (asked["upscaling_resize_w"], asked["upscaling_resize_h"])
        done = f"to: {size[0]}x{size[1]}"
    html = f"<p>Postprocess upscale {done}, Postprocess upscaler: {asked['upscaler_1']}</p>"
    return image.resize(size, Image.Resampling.LANCZOS), html


def extra_single_image(world: World, asked: dict[str, Any]) -> object:
    """Return one picture enlarged. Face restorers change nothing here."""
    image = images_in.decode(asked["image"])
    with world.queue:
        enlarged, html = _enlarge(asked, image)
    return {"html_info": html, "image": draw.to_base64(enlarged, image.info.get("parameters"))}


def extra_batch_images(world: World, asked: dict[str, Any]) -> object:
    """Return several pictures enlarged."""
    images = [images_in.decode(each.get("data")) for each in asked["imageList"]]
    with world.queue:
        done = [_enlarge(asked, image) for image in images]
    return {
        "html_info": "".join(html for _, html in done),
        "images": [draw.to_base64(image) for image, _ in done],
    }


def png_info(_world: World, asked: dict[str, Any]) -> object:
    """Return what is written in a picture."""
    image = images_in.decode(asked["image"].strip())
    items = {key: str(value) for key, value in image.info.items() if key != "parameters"}
    text = str(image.info.get("parameters") or "")
    return {"info": text, "items": items, "parameters": infotext.parse(text) if text else {}}


def interrogate(world: World, asked: dict[str, Any]) -> object:
    """Return a caption that says that nobody looked.

    Raises:
        HTTPError: There is no such picture or model.
    """
    if not asked["image"]:
        raise HTTPError(404, "Image not found")
    image = images_in.decode(asked["image"])
    if asked["model"] not in ("clip", "deepdanbooru"):
        raise HTTPError(404, "Model not found")
    with world.queue:
        return {"caption": f"a simulated caption of {image.width} by {image.height} pixels"}
