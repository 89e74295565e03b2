"""What was this extension told when it was installed?"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

from .host import MissingError

FILE_NAME = "settings.json"


@dataclass(frozen=True)
class Settings:
    """Numbers from podkeeper's section [extension], and the version that installed it."""

    version: str
    sample_period_s: float
    baseline_s: float
    tidy: bool
    read_timeout_s: float
    lock_wait_max_s: float
    reclaim_timeout_s: float
    profile_max_s: float
    profile_sites: int


def read(folder: Path | None = None) -> Settings:
    """Return the settings beside this package, or in a folder.

    Raises:
        MissingError: There are none: the folder was copied by hand.
    """
    path = (folder or Path(__file__).resolve().parent) / FILE_NAME
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        return Settings(**{field.name: table[field.name] for field in fields(Settings)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingError(f"cannot read {path}, which podkeeper writes: {error!r}") from error
