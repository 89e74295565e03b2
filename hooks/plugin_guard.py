"""How is supervisord kept alive when the plugin has a fault?

An exception in a callback that supervisord calls ends its main loop, and with PID 1 the container.
A fault of ours must cost what it was about to do, a log line and nothing else.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: A fault that comes at every event is said this often, not at each.
_SAID_AT_MOST = 20


class Guard:
    """Wraps callbacks so that none of them can raise."""

    def __init__(self, supervisord: Any) -> None:
        self._logger = supervisord.options.logger
        self._said = 0

    def __call__(self, callback: Callable[[Any], object]) -> Callable[[Any], None]:
        """Return a callback that does the same and never raises."""

        def guarded(event: Any) -> None:
            # Keeps supervisord alive, and with it every program.
            try:
                callback(event)
            except Exception:  # noqa: BLE001 - see above
                self._say(callback)

        return guarded

    def _say(self, callback: Callable[[Any], object]) -> None:
        self._said += 1
        if self._said <= _SAID_AT_MOST:
            name = getattr(callback, "__qualname__", repr(callback))
            trace = traceback.format_exc().strip().replace("\n", " | ")
            said = f"podkeeper: fault in {name}: {trace}"
            self._logger.critical(said)
