"""How is a whole podkeeper worker set up around a bench's own programs?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from bench.common.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UP = [sys.executable, "-m", "podkeeper", "up"]
#: Each death counts as a first one, whose restart does not wait.
NO_CRASH_LOOP = {"RESTART__RESET_AFTER_S": "1s", "RESTART__BUDGET": "100000"}


def environment(
    folder: Path, webui: Sequence[str], handler: Sequence[str], **settings: str
) -> dict[str, str]:
    """Return the environment of a worker in a folder of its own, without a platform.

    The WebUI's command gets its port as a last word.
    """
    webui_port, watchdog_port, platform_port = free_ports(3)
    named = {
        "WORKER__PROFILE": "simulator",
        "WORKER__RUNTIME_DIR": str(folder / "run"),
        "WORKER__STATE_DIR": str(folder / "state"),
        "WEBUI__COMMAND": " ".join([*webui, "{port}"]),
        "WEBUI__PORT": str(webui_port),
        "HANDLER__COMMAND": " ".join(handler),
        "WATCHDOG__PORT": str(watchdog_port),
        "PLATFORM__ENABLED": "no",
        "PLATFORM__PORT": str(platform_port),
        **settings,
    }
    foreign = {key: value for key, value in os.environ.items() if not key.startswith("PODKEEPER_")}
    return {**foreign, **{f"PODKEEPER_{name}": value for name, value in named.items()}}
