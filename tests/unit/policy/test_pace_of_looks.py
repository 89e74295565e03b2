"""How long nothing can have been used up."""

from __future__ import annotations

import pytest

from podkeeper.policy import pace
from podkeeper.policy.pace import Rates

RATES = Rates(fill_bytes_per_s=1000, shortest_s=0.02, cpu_ratio=0.01)


@pytest.mark.parametrize(
    ("lefts", "cost_s", "pause_s"),
    [
        ([], 0.0, None),
        ([500.0], 0.0, 0.5),
        ([500.0, 100.0], 0.0, 0.1),
        ([1.0], 0.0, 0.02),
        ([-5.0], 0.0, 0.02),
        ([1.0], 0.001, 0.1),
    ],
)
def test_the_nearest_line_the_shortest_pause_and_the_cost_bound_it(
    lefts: list[float], cost_s: float, pause_s: float | None
) -> None:
    """What is far cannot be reached soon, and looking never costs more than its share."""
    assert pace.pause_s(lefts, RATES, cost_s) == pause_s
