"""How is a configuration that lies ready put into place?

File by file, each in one step, and again from the start where that was interrupted. What runs goes
on with what it has read; supervisord has to accept the new configuration, or the old one returns.
Leaves out: making the new one (`podkeeper.reload`), replacing programs (`podkeeper.loops.desk`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper import atomic
from podkeeper.errors import SupervisordError
from podkeeper.model.change import NEXT
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from pathlib import Path

    from podkeeper.supervisord import Supervisord

CONF_NAME = "supervisord.conf"
PRIVATE = "private"


def _move(source: Path, target: Path) -> None:
    """Move a file, if it still has to be moved."""
    if source.exists():
        source.replace(target)


def install(supervisord: Supervisord) -> str:
    """Put what lies ready beside supervisord's socket into place, and say what came of it."""
    folder = supervisord.socket_path.parent
    conf = folder / CONF_NAME
    try:
        before = conf.read_bytes()
        _move(folder / NEXT / CONF_NAME, conf)
        try:
            supervisord.read_configuration()
        except SupervisordError as error:
            atomic.write(conf, before, mode=0o600)
            return f"failed: {error}"
        for path in sorted((folder / NEXT / PRIVATE).glob("*.json")):
            _move(path, folder / PRIVATE / path.name)
        _move(folder / NEXT / plans.FILE_NAME, folder / plans.FILE_NAME)
    except OSError as error:
        return f"failed: cannot put the configuration into place: {error}"
    return "the new configuration is in place"
