"""How do podkeeper's own processes write a line?

One line each, on standard error, which supervisord takes: level, logger and message. The time and
the program's name are added where all lines come together (`hooks.plugin`).
"""

from __future__ import annotations

import logging
import sys


class _OneLine(logging.Formatter):
    """Keeps a traceback on the line it belongs to, so that no reader has to join lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        return super().format(record).rstrip().replace("\n", " | ")


def set_up(level: str) -> None:
    """Send this process's log lines of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
