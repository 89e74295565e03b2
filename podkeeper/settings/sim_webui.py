"""What can be set for the simulated WebUI?

Leaves out: the words of its faults (`settings.faults`), which defaults hold (`conf/defaults.toml`).
"""

from __future__ import annotations

from podkeeper.settings.faults import SimFault
from podkeeper.settings.kinds import Count, Ratio, Section, Size, SizeAboveZero, Span


class SimWebUISettings(Section, frozen=True):
    """The simulated WebUI."""

    start_s: Span
    load_s: Span
    step_s: Span
    step_cpu_ratio: Ratio
    vram_bytes: Size
    vram_spread_ratio: Ratio
    checkpoint_ram_bytes: SizeAboveZero
    real_ram: bool
    leak_bytes: Size
    extension: bool
    faults: list[SimFault]
    threads: Count
