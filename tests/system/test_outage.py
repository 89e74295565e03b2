"""A platform that is not there, and comes back."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from durability_rig import Rig, wait_for

from podkeeper.sim.platform.job import TERMINAL

#: The SDK alone would write some thousand lines in this time.
_AWAY_S = 3.0


def test_an_outage_costs_a_few_lines_and_ends_at_once() -> None:
    """The SDK never sees it; the first job after it runs, and nothing was written meanwhile."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        rig = Rig(Path(folder), accept_late_results=True)
        try:
            rig.wait_for_handler()
            rig.stop_platform()
            wait_for(lambda: any("cannot ask the platform" in each for each in rig.lines), "a word")
            threading.Event().wait(_AWAY_S)
            rig.start_platform()
            job_id = rig.client.submit({"prompt": "after", "steps": 2}).id
            wait_for(lambda: rig.story(job_id)["status"] in TERMINAL, "the job's end")
            wait_for(lambda: any("answers again" in each for each in rig.lines), "another word")
            assert rig.story(job_id)["status"] == "COMPLETED"
        finally:
            code = rig.close()
    assert code == 0
    assert not [each for each in rig.lines if "Failed to get job" in each]
    # Two polls, each with a word at its beginning and one at its end.
    told = [each for each in rig.lines if "the platform" in each]
    assert len(told) <= 4, told
