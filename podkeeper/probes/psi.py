"""How much of the time does somebody wait for a resource?

Covers: the kernel's pressure stall information (PSI), for the processor. It is the machine's, not
the container's, which is what a program that waits for its turn feels.
"""

from __future__ import annotations

import re
from pathlib import Path

from podkeeper.probes import files

_SOME = re.compile(rb"^some avg10=(\d+\.\d+) avg60=(\d+\.\d+)", re.MULTILINE)
_PERCENT = 100


def cpu_wait_ratio(root: Path = Path("/")) -> float | None:
    """Return the share of the last 10 or 60 s, whichever is more, in which somebody had to wait.

    Same as the larger of avg10 and avg60 in `grep some /proc/pressure/cpu`. None where the kernel
    has no such file or does not let us read it.
    """
    match = _SOME.search(files.read(f"{root}/proc/pressure/cpu") or b"")
    return max(float(match[1]), float(match[2])) / _PERCENT if match else None
