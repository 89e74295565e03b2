"""What does a program itself tell of its stacks?

Covers: one question to the extension in a WebUI, in a thread with a deadline of its own: the keeper
never waits for a program that hangs.
Leaves out: when it is asked, and what is kept (`actuators.stackdumps`).
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.loopback import ask, base_of

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan

_OK = 200
_PATH = "/podkeeper/stacks?format=text"


def addresses(plan: Plan) -> dict[str, str]:
    """Return where each WebUI of a plan tells its own stacks, if it has the extension."""
    return {
        each.name: base_of(each.readiness_url) + _PATH
        for each in plan.of_role("webui")
        if each.readiness_url is not None
    }


class Asking:
    """A question to a program for its own stacks, as long as it is on its way."""

    def __init__(self, url: str, path: Path, timeout_s: float, max_bytes: int) -> None:
        self._question = url, timeout_s
        self._path = path
        self._max_bytes = max_bytes
        self.code = 1
        self.detail = "not asked"
        self._thread = threading.Thread(target=self._run, name=f"stacks {url}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        reply = ask(*self._question, most_bytes=self._max_bytes)
        self.detail = reply.detail
        if reply.status == _OK:
            try:
                flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
                with os.fdopen(os.open(self._path, flags, 0o600), "ab") as output:
                    output.write(reply.body)
                self.code = 0
            except OSError as error:
                self.detail = error.strerror or str(error)

    def poll(self) -> int | None:
        """Return 0 if the stacks are written, 1 if they are not, None before that is known."""
        return None if self._thread.is_alive() else self.code


def is_stopped(pid: int) -> bool:
    """Return whether somebody has stopped a process: it answers nobody then."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return False
    return fields[:1] == [b"T"]
