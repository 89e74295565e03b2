"""The commands of `podkeeper`, one file each."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command."""
    sys.stderr.write("no command yet\n")
    return 2
