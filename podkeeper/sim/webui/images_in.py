"""Which picture did the client send?

Base64, with or without a data URL's head. Addresses are refused as the real server refuses local
ones: the simulator never fetches anything.
"""

from __future__ import annotations

import base64
import binascii
import io
import struct

from PIL import Image, UnidentifiedImageError

from podkeeper.sim.webui.errors import HTTPError


def decode(text: object) -> Image.Image:
    """Return the picture.

    Raises:
        HTTPError: It is none (500, as the real server says it), or an address.
    """
    said = str(text)
    if said.startswith(("http://", "https://")):
        raise HTTPError(500, "Request to local resource not allowed")
    if said.startswith("data:image/"):
        said = said.partition(",")[2]
    try:
        image = Image.open(io.BytesIO(base64.b64decode(said)))
        image.load()
    except (
        binascii.Error,
        ValueError,
        OSError,
        SyntaxError,
        struct.error,
        UnidentifiedImageError,
        Image.DecompressionBombError,
    ):
        raise HTTPError(500, "Invalid encoded image") from None
    return image
