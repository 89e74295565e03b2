"""Of which family is the checkpoint that a job runs with, and how large is it?

Covers: finding it in the WebUI's list, reading the head of its file once, and what is assumed where
the file cannot be read.
Leaves out: what the names of tensors say (`podkeeper.policy.families`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from podkeeper.policy import families

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from podkeeper.model.vram import Family
    from podkeeper.policy.families import Parameters

#: A head is some hundred kilobytes; the format itself allows a hundred megabytes.
_MOST_HEAD_BYTES = 100_000_000
_LENGTH_BYTES = 8
_HALF_BYTES = 2


class Checkpoint(NamedTuple):
    """What is known of a checkpoint file."""

    family: str
    #: None where the file could not be read.
    parameters: Parameters | None = None
    file_bytes: int | None = None


def find(entries: Iterable[Mapping[str, Any]], name: str | None) -> Mapping[str, Any] | None:
    """Return the entry of the WebUI's list that goes by a name."""
    if name is None:
        return None
    for entry in entries:
        file = Path(str(entry.get("filename") or "")).name
        title = str(entry.get("title") or "")
        names = (title, title.partition(" [")[0], entry.get("model_name"), file)
        if name in (*names, entry.get("hash"), entry.get("sha256")):
            return entry
    return None


def _head(path: Path) -> dict[str, list[int]] | None:
    """Return the shape of each tensor in a safetensors file, or None where it is none."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if not 0 < length <= _MOST_HEAD_BYTES:
            return None
        table = json.loads(file.read(length))
    tensors = table.items() if isinstance(table, dict) else ()
    return {
        name: each["shape"]
        for name, each in tensors
        if isinstance(each, dict) and isinstance(each.get("shape"), list)
    }


def read(path: Path, assumed: str) -> Checkpoint:
    """Return what a checkpoint file says of itself, its name where it says nothing.

    Raises:
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    named = families.of_name(path.name) or assumed
    try:
        shapes = _head(path) if path.suffix == ".safetensors" else None
    except ValueError:
        shapes = None
    family = families.of_tensors(shapes) if shapes else None
    if shapes is None or family is None:
        return Checkpoint(named, None, size)
    return Checkpoint(family, families.parameters(shapes), size)


class Checkpoints:
    """The checkpoints that jobs have run with."""

    def __init__(self, assumed: str) -> None:
        #: Family of those that tell nothing.
        self._assumed = assumed
        self._known: dict[tuple[str, int], Checkpoint] = {}

    def of(self, entry: Mapping[str, Any] | None, name: str | None) -> Checkpoint:
        """Return what is known of a checkpoint by its entry in the WebUI's list, or by its name."""
        file = (entry or {}).get("filename")
        try:
            return self._read(Path(str(file))) if file else self._named(name)
        except (OSError, ValueError):
            # In another container, or on a disk that has gone: its name has to do.
            return self._named(Path(str(file)).name)

    def _named(self, name: str | None) -> Checkpoint:
        return Checkpoint(families.of_name(name or "") or self._assumed)

    def _read(self, file: Path) -> Checkpoint:
        key = str(file), file.stat().st_mtime_ns
        if key not in self._known:
            self._known[key] = read(file, self._assumed)
        return self._known[key]


def sized(family: Family, known: Checkpoint) -> Family:
    """Return a family with the weights that a checkpoint really has; the parts it lacks stay."""
    if known.parameters is None:
        return family
    unet, text, vae = (count * _HALF_BYTES for count in known.parameters)
    return msgspec.structs.replace(
        family,
        unet_bytes=unet or family.unet_bytes,
        text_bytes=text or family.text_bytes,
        vae_bytes=vae or family.vae_bytes,
    )
