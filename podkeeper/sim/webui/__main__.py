"""Start the simulated WebUI: `python -m podkeeper.sim.webui --help`."""

from __future__ import annotations

import sys

from podkeeper.sim.webui.main import main

sys.exit(main())
