"""With what was the worker started, so that a reload can read the same settings anew?

Covers: which variables of the start's environment are kept, and how a reload's own are laid over
them. Pure.
Leaves out: the file, which is as private as the variables in it (`podkeeper.start`).
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from podkeeper.settings.layers import PREFIX
from podkeeper.settings.load import Source
from podkeeper.settings.private import KEY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.schema import Settings


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a start was given."""

    directory: str
    config: str | None
    profile: str | None
    assignments: list[str]
    environ: dict[str, str]
    #: Names (shell patterns) of the variables that were looked for in the environment.
    patterns: list[str]


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def given(source: Source, settings: Settings, environ: Mapping[str, str], directory: str) -> Given:
    """Return what to keep of a start: no variable that it did not look for."""
    patterns = [
        PREFIX + "*",
        *KEY_VARIABLES,
        "RUNPOD_WEBHOOK_GET_JOB",
        *settings.worker.base_environment,
        *settings.webui.pass_environment,
        *settings.handler.pass_environment,
    ]
    return Given(
        directory=directory,
        config=None if source.config is None else str(Path(directory) / source.config),
        profile=source.profile,
        assignments=list(source.assignments),
        environ={name: value for name, value in environ.items() if _matches(name, patterns)},
        patterns=patterns,
    )


def again(kept: Given, asked: Source) -> Source:
    """Return where a reload looks for settings: where the start did, with its own options on top.

    What the start looked for and did not find is not taken from another shell either; settings
    given to the reload itself, by option or `PODKEEPER_…`, count.
    """
    own = {
        name: value
        for name, value in asked.environ.items()
        if name.startswith(PREFIX) or not _matches(name, kept.patterns)
    }
    config = asked.config or (None if kept.config is None else Path(kept.config))
    return Source(
        environ={**kept.environ, **own},
        config=config,
        assignments=(*kept.assignments, *asked.assignments),
        profile=asked.profile or kept.profile,
    )
