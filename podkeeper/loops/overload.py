"""What does a snapshot show of how the processors stand?

Leaves out: what it comes to (`policy.cpu`), its lines (`thresholds.cpu_soft`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy.cpu import Seen

if TYPE_CHECKING:
    from podkeeper.model.snapshot import Cpu


def seen_of(cpu: Cpu) -> Seen:
    """Return the signs that one snapshot shows."""
    return Seen(
        quota=cpu.periods is not None,
        throttled_ratio=cpu.throttled_ratio,
        own_wait_ratio=cpu.own_wait_ratio,
        machine_wait_ratio=cpu.wait_ratio,
        runnable=cpu.runnable,
        machine_cores=cpu.machine_cores,
    )
