"""When is now, by the clocks that outlive a process?"""

from __future__ import annotations

import time
from pathlib import Path

from podkeeper.model.moment import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now() -> Moment:
    """Return this moment. The boot's id is read each time: a snapshot may wake up elsewhere."""
    try:
        boot = _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        boot = ""  # the wall clock is all there is
    return Moment(wall_s=time.time(), boot_s=time.clock_gettime(time.CLOCK_BOOTTIME), boot=boot)
