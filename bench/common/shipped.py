"""What are the shipped numbers of a rule?"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from podkeeper.settings.load import Source, load

if TYPE_CHECKING:
    from podkeeper.settings.schema import Settings

T = TypeVar("T")


def settings() -> Settings:
    """Return the settings of a worker with a real WebUI where nobody changes any."""
    return load(Source(profile="a1111", config=Path(os.devnull))).settings


def rules(kind: type[T], section: Any) -> T:
    """Return rules whose fields are named like the settings of a section."""
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: getattr(section, name) for name in names})
