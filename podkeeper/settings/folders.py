"""Which folders do these settings name, or leave to the defaults?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper import paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from podkeeper.settings.schema import Settings


def runtime_dir(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the folder for sockets, the plan and the snapshot of one start, absolute."""
    named = settings.worker.runtime_dir
    return (Path(named) if named else paths.default_runtime_dir(dict(environ))).absolute()


def state_dir(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the folder for the ledger, absolute."""
    named = settings.worker.state_dir
    return (Path(named) if named else paths.default_state_dir(dict(environ))).absolute()
