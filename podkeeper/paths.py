"""Where do podkeeper's own files lie?

Covers: the `conf/` folder in every kind of installation, and the default folders of a worker.
Leaves out: what the settings say about them (`settings`).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def conf_dir() -> Path:
    """Return the folder that holds `defaults.toml`, the templates and the profiles.

    A wheel carries it inside the package; a source tree (editable install, sdist) beside it.
    """
    packed = _HERE / "_conf"
    return packed if packed.is_dir() else _HERE.parent / "conf"


def default_runtime_dir(environ: dict[str, str]) -> Path:
    """Return where sockets, the plan and the snapshot of one start belong.

    `/run/podkeeper` for root, as in a container; else the user's own runtime folder.
    """
    if os.geteuid() == 0:
        return Path("/run/podkeeper")
    if environ.get("XDG_RUNTIME_DIR"):
        return Path(environ["XDG_RUNTIME_DIR"]) / "podkeeper"
    return Path(tempfile.gettempdir()) / f"podkeeper-{os.geteuid()}"


def default_state_dir(environ: dict[str, str]) -> Path:
    """Return where the ledger belongs, which outlives a start.

    `/var/lib/podkeeper` for root, as in a container; else the user's own state folder.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/podkeeper")
    base = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "podkeeper"
