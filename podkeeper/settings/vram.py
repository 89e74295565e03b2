"""Where do the constants of the memory estimate come from?

Covers: reading `conf/vram.toml`, in which sizes may be written as people write them.
Leaves out: what they mean (`podkeeper.model.vram`).
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from podkeeper import paths
from podkeeper.errors import PodkeeperError
from podkeeper.model.vram import VramTable
from podkeeper.units import parse_size

if TYPE_CHECKING:
    from pathlib import Path

_SIZE_SUFFIX = "_bytes"


class VramTableError(PodkeeperError):
    """The constants of the memory estimate cannot be read."""

    exit_code = 2


def _sized(value: Any) -> Any:
    """Return a value with every size below it as a number of bytes."""
    if not isinstance(value, dict):
        return value
    return {
        key: parse_size(each) if key.endswith(_SIZE_SUFFIX) else _sized(each)
        for key, each in value.items()
    }


def read(conf_dir: Path | None = None) -> VramTable:
    """Return the table.

    Raises:
        VramTableError: It is not there, or not sound.
    """
    path = (conf_dir or paths.conf_dir()) / "vram.toml"
    try:
        table = _sized(tomllib.loads(path.read_text(encoding="utf-8")))
        return msgspec.convert(table, VramTable)
    except (OSError, ValueError) as error:
        # msgspec's and tomllib's errors are ValueErrors, too.
        raise VramTableError(f"cannot read {path}: {error}") from error
