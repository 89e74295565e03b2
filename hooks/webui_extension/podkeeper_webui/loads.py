"""How often was a checkpoint loaded, and when was the last?"""

from __future__ import annotations

import time
from typing import Any


class Loads:
    """Counts what the WebUI tells of loaded checkpoints."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self.count = 0
        self._last_s: float | None = None

    def note(self, _model: object = None) -> None:
        """Note that one was loaded."""
        self.count += 1
        self._last_s = time.monotonic()

    def answer(self) -> dict[str, Any]:
        """Return how often, and how long after this extension's start the last one was there."""
        last_s = self._last_s
        after_s = None if last_s is None else last_s - self._began_s
        return {"loads": self.count, "loaded_after_s": after_s}
