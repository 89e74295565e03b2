"""Which pictures are in a job's result, and how do they become files?

Covers: the shapes workers use: a list of base64 texts, or of objects with `data`; data URLs too.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from podkeeper import atomic
from podkeeper.errors import PodkeeperError

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.sim.platform.client import JobState

_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpg",
    b"RIFF": "webp",
    b"GIF8": "gif",
}


class PictureError(PodkeeperError):
    """A result's picture cannot be read."""


def _decode(index: int, entry: Any) -> bytes:
    text = entry.get("data") or entry.get("image") if isinstance(entry, dict) else entry
    if not isinstance(text, str):
        raise PictureError(f"cannot read picture {index}: it is no text")
    try:
        return base64.b64decode(
            text.partition(",")[2] if text[:5] == "data:" else text, validate=True
        )
    except (binascii.Error, ValueError) as error:
        raise PictureError(f"cannot read picture {index}: {error}") from error


def pictures_of(output: Any) -> list[bytes]:
    """Return the pictures in a result, in their order; none where it has none.

    Raises:
        PictureError: One of them is no base64 text.
    """
    images = output.get("images") if isinstance(output, dict) else None
    if not isinstance(images, list):
        return []
    return [_decode(index, entry) for index, entry in enumerate(images)]


def suffix_of(picture: bytes) -> str:
    """Return the file name's ending for a picture, by its first bytes."""
    found = (name for start, name in _SIGNATURES.items() if picture.startswith(start))
    return next(found, "bin")


def save(state: JobState, folder: Path) -> list[Path]:
    """Write the pictures of a job's result into a folder, which is made; return their paths.

    Raises:
        PictureError: One of them cannot be read, or the folder cannot be written.
    """
    pictures = pictures_of(state.output)
    stem = "".join(char if char.isalnum() or char in "-_" else "_" for char in state.id)
    paths = [folder / f"{stem}-{index}.{suffix_of(each)}" for index, each in enumerate(pictures, 1)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, picture in zip(paths, pictures, strict=True):
            atomic.write(path, picture)
    except OSError as error:
        raise PictureError(f"cannot write pictures to {folder}: {error.strerror}") from error
    return paths
