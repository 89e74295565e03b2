"""What does a simulated picture look like?

A plasma whose waves and colours come from seed and prompt alone, with a caption that says that it
is simulated. The same seed and prompt give the same picture, whatever batch it came in. It is
drawn small and enlarged, so that a picture costs little.
"""

from __future__ import annotations

import base64
import io
import math
import random

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

#: What the text chunk "Software" of every picture says.
SOFTWARE = "podkeeper-sim-webui (a simulator; no model drew this)"
_GRID = 32
_CAPTION_HEIGHT = 14
#: Below this a caption would cover the picture.
_SMALLEST_CAPTIONED = 48


def _waves(rng: random.Random) -> list[tuple[float, float, float]]:
    return [
        (rng.uniform(-0.35, 0.35), rng.uniform(-0.35, 0.35), rng.uniform(0, math.tau))
        for _ in range(4)
    ]


def _plasma(rng: random.Random) -> Image.Image:
    waves = _waves(rng)
    tints = [(rng.uniform(0.6, 1.6), rng.uniform(0, math.tau)) for _ in range(3)]
    pixels = bytearray()
    for y in range(_GRID):
        for x in range(_GRID):
            height = sum(math.sin(a * x + b * y + c) for a, b, c in waves)
            pixels += bytes(int(127 + 120 * math.sin(f * height + p)) for f, p in tints)
    return Image.frombytes("RGB", (_GRID, _GRID), bytes(pixels))


def _caption(image: Image.Image, seed: int, prompt: str) -> None:
    if min(image.size) < _SMALLEST_CAPTIONED:
        return
    text = f"simulated | seed {seed} | {prompt}".encode("latin-1", "replace").decode("latin-1")
    pen = ImageDraw.Draw(image)
    top = image.height - _CAPTION_HEIGHT
    pen.rectangle((0, top, image.width, image.height), fill=(16, 16, 24))
    line = text.replace("\n", " ")[: image.width // 6]
    pen.text((3, top + 1), line, font=ImageFont.load_default_imagefont(), fill=(235, 235, 235))


def picture(
    seed: int,
    prompt: str,
    size: tuple[int, int],
    *,
    done_ratio: float = 1.0,
    over: tuple[Image.Image, float] | None = None,
) -> Image.Image:
    """Return the picture of a seed and a prompt, in RGB and of exactly this size.

    `done_ratio` below 1 is a picture that was cut short; it is mixed with noise. It is
    laid `over` an init image with a strength of 0 to 1.
    """
    rng = random.Random(f"{seed}\0{prompt}")
    small = _plasma(rng)
    if done_ratio < 1:
        noise = Image.frombytes("RGB", small.size, rng.randbytes(3 * _GRID * _GRID))
        small = Image.blend(noise, small, max(done_ratio, 0.0))
    image = small.resize(size, Image.Resampling.BICUBIC)
    if over is not None:
        below, strength = over[0].convert("RGB").resize(size), min(max(over[1], 0.0), 1.0)
        image = Image.blend(below, image, strength)
    _caption(image, seed, prompt)
    return image


def grid(images: list[Image.Image]) -> Image.Image:
    """Return the contact sheet of several pictures of one size."""
    rows = max(1, round(math.sqrt(len(images))))
    columns = math.ceil(len(images) / rows)
    width, height = images[0].size
    sheet = Image.new("RGB", (columns * width, rows * height))
    for index, image in enumerate(images):
        sheet.paste(image, (index % columns * width, index // columns * height))
    return sheet


def to_base64(image: Image.Image, parameters: str | None = None) -> str:
    """Return a PNG in base64, with the parameters and the simulator's name in text chunks."""
    chunks = PngInfo()
    if parameters is not None:
        chunks.add_itxt("parameters", parameters) if not parameters.isascii() else chunks.add_text(
            "parameters", parameters
        )
    chunks.add_text("Software", SOFTWARE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks, compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
