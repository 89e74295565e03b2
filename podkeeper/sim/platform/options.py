"""What does the platform's command line look like?

Apart from the program, so that commands can declare it without loading a web server.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--address", help="address to listen on (setting platform.address)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one")
    parser.add_argument("--state-file", type=Path, help="SQLite file with jobs and workers")
    parser.add_argument("--config", type=Path, help="settings file")
    parser.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="one setting"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="JSON",
        help='a fault from the start, such as {"kind": "answer", "route": "done", "status": 500}',
    )
