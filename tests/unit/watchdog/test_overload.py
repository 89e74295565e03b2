"""From a snapshot to how the processors stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.loops import overload
from podkeeper.policy.cpu import Seen

if TYPE_CHECKING:
    from podkeeper.model.snapshot import Snapshot


def test_every_sign_has_its_reading(full: Snapshot) -> None:
    """What the snapshot knows is what is judged."""
    assert overload.seen_of(full.cpu) == Seen(
        quota=True,
        throttled_ratio=0.125,
        own_wait_ratio=0.5,
        machine_wait_ratio=0.25,
        runnable=5,
        machine_cores=4,
    )
