"""podkeeper: the whole worker, once for each form, with the program as its WebUI."""

from __future__ import annotations

import os
import sys

from bench.common.ports import free_ports
from bench.restart.peers.base import FORMS, Peer


class Podkeeper(Peer):
    """Three `podkeeper up`: supervisord, keeper and watchdog, as shipped."""

    name = "podkeeper"
    setting = (
        "as shipped; restart.reset_after_s=1s and a large restart.budget, so that each death"
        " counts as a first one, whose restart does not wait"
    )

    def start(self) -> None:
        """Start them."""
        for form in FORMS:
            folder = self.folder / form
            folder.mkdir()
            webui, watchdog, platform = free_ports(3)
            idle = [str(self.program), "plain", str(folder / "handler.starts")]
            settings = {
                "WORKER__PROFILE": "simulator",
                "WORKER__RUNTIME_DIR": str(folder / "run"),
                "WORKER__STATE_DIR": str(folder / "state"),
                "WEBUI__COMMAND": " ".join([*self.command(form), "{port}"]),
                "WEBUI__PORT": str(webui),
                "HANDLER__COMMAND": " ".join(idle),
                "WATCHDOG__PORT": str(watchdog),
                "PLATFORM__ENABLED": "no",
                "PLATFORM__PORT": str(platform),
                "RESTART__RESET_AFTER_S": "1s",
                "RESTART__BUDGET": "100000",
            }
            named = {f"PODKEEPER_{name}": value for name, value in settings.items()}
            foreign = {k: v for k, v in os.environ.items() if not k.startswith("PODKEEPER_")}
            self.run([sys.executable, "-m", "podkeeper", "up"], {**foreign, **named})
