"""`python -m podkeeper.sim.platform`: the local RunPod platform, a stand-in."""

from __future__ import annotations

from podkeeper.sim.platform.program import main

raise SystemExit(main())
