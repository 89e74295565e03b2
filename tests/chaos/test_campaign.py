"""Twenty faults on the whole worker under load; `make chaos` does two hundred."""

from __future__ import annotations

import pytest
from faults import draw
from main import run, tell

#: Drawn once; between them they hit every program.
SEEDS = (3, 11)
FAULTS = 10
BOUND_S = 60.0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_whatever_befalls_the_worker(seed: int) -> None:
    """All is back after each fault, with its cause; each job ends once; nothing is left over."""
    faults = draw(seed, FAULTS)
    outcome = run(faults, BOUND_S)
    assert not outcome.complaints, tell(outcome, f"seed {seed}", faults)
    assert outcome.jobs.get("COMPLETED")
