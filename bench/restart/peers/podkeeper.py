"""podkeeper: the whole worker, once for each form, with the program as its WebUI."""

from __future__ import annotations

from bench.common.worker import NO_CRASH_LOOP, UP, environment
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
            idle = [str(self.program), "plain", str(folder / "handler.starts")]
            self.run(UP, environment(folder, self.command(form), idle, **NO_CRASH_LOOP))
