"""`python -m podkeeper` is `podkeeper`."""

from __future__ import annotations

import sys

from podkeeper.cli import main

if __name__ == "__main__":
    sys.exit(main())
