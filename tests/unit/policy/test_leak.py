"""Whether a program keeps more after each job, and when that will be too much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from podkeeper.policy import leak
from podkeeper.policy.leak import Finding, History, Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIB = 1 << 20
BASE = 6000 * MIB
RULES = Rules(
    skip_jobs=12,
    block_jobs=4,
    slow_factor=3,
    blocks=20,
    least_blocks=8,
    slope_bytes=3 * MIB,
    growth_bytes=640 * MIB,
    evaluations=5,
    recycle_jobs=60,
    sen_z=1.645,
)


def after(
    jobs: int,
    held_mib: Callable[[int], float | None],
    names: Sequence[str] = ("a",),
    rules: Rules = RULES,
) -> History:
    """Return the history after that many jobs, the checkpoints taking turns of 25 jobs."""
    history = History()
    for job in range(jobs):
        held = held_mib(job)
        checkpoint = names[job // 25 % len(names)]
        held_bytes = None if held is None else int(held * MIB)
        history = leak.after_job(history, checkpoint, held_bytes, rules)
    return history


def noise(job: int) -> float:
    """Return what looks like noise of up to 25 and is the same in each run."""
    return job * 7919 % 51 - 25.0


def test_a_leak_is_found_with_its_size() -> None:
    """Twenty a job are found within 76 jobs, twelve of which do not count."""
    history = after(76, lambda job: 6000 + 20 * job + noise(job))
    found = leak.judge(history, RULES, budget_bytes=BASE + 76 * 20 * MIB + 1000 * MIB)
    assert found is not None
    assert found.bytes_per_job / MIB == pytest.approx(20, rel=0.05)
    assert 15 * MIB < found.least_bytes_per_job <= found.bytes_per_job
    assert found.jobs == 64
    assert found.held_bytes / MIB == pytest.approx(6000 + 76 * 20, abs=100)
    assert found.jobs_left == pytest.approx(50, abs=6)


def test_without_a_budget_no_end_is_named() -> None:
    """The leak is one all the same."""
    found = leak.judge(after(100, lambda job: 6000 + 20 * job), RULES)
    assert found is not None
    assert found.jobs_left is None


def test_a_slow_leak_is_found_by_the_longer_blocks() -> None:
    """Five a job do not grow enough within the quick track's blocks, ever."""
    history = after(300, lambda job: 6000 + 5 * job + noise(job))
    found = leak.judge(history, RULES)
    assert history.quick.in_a_row == 0
    assert found is not None
    assert found.jobs == 240


@pytest.mark.parametrize(
    "held_mib",
    [
        pytest.param(lambda job: 6000 + noise(job), id="noise"),
        pytest.param(lambda job: 6000 + 600 * (1 - 0.7**job), id="warm-up"),
        pytest.param(lambda job: 6000 + 600 * (job % 40 < 20), id="caches"),
        pytest.param(lambda job: 6000 + 900 * (job >= 60), id="one step"),
        pytest.param(lambda job: 6000 + 2 * job, id="less than a leak"),
        pytest.param(lambda job: 6000 + 40 * min(job, 40), id="growth that stopped"),
        pytest.param(lambda job: 9000 - 10 * job, id="shrinking"),
    ],
)
def test_what_is_no_leak_is_not_called_one(held_mib: Callable[[int], float]) -> None:
    """At no job of three hundred."""
    for jobs in range(40, 300, 4):
        assert leak.judge(after(jobs, held_mib), RULES) is None


def test_growth_below_the_line_is_no_leak_however_long() -> None:
    """Two a job are not, where three would be; how much it came to is another line."""
    rules = replace(RULES, growth_bytes=MIB)
    assert leak.judge(after(300, lambda job: 6000 + 2 * job, rules=rules), rules) is None
    assert leak.judge(after(300, lambda job: 6000 + 4 * job, rules=rules), rules) is not None


def test_growth_that_began_late_is_a_leak_once_all_of_it_is_above_the_line() -> None:
    """Four a job for the newer half of the blocks are two a job over all of them."""
    rules = replace(RULES, growth_bytes=MIB)

    def held_mib(job: int) -> float:
        return 6000 + 4 * max(0, job - 152)

    assert leak.judge(after(212, held_mib, rules=rules), rules) is None
    assert leak.judge(after(260, held_mib, rules=rules), rules) is not None


def test_checkpoints_of_different_size_are_no_leak() -> None:
    """Each is larger than the one before it, three times as long as blocks are remembered."""
    names = [str(number) for number in range(12)]
    assert leak.judge(after(300, lambda job: 6000 + 700 * (job // 25), names), RULES) is None


def test_a_leak_is_found_through_changes_of_checkpoint() -> None:
    """Levels of 6000 and 9500 by turns do not hide ten a job."""
    history = after(
        200, lambda job: 6000 + 3500 * (job // 25 % 2) + 10 * job + noise(job), ("sd15", "sdxl")
    )
    found = leak.judge(history, RULES)
    assert found is not None
    assert found.bytes_per_job / MIB == pytest.approx(10, rel=0.1)
    # The newest jobs were with the larger one, the level of which counts.
    assert found.held_bytes / MIB == pytest.approx(9500 + 200 * 10, abs=100)


def test_the_largest_checkpoint_counts_while_another_is_loaded() -> None:
    """What will be held is what the larger one held, and what was lost since."""
    history = after(
        130, lambda job: 6000 + 3500 * (75 <= job < 100) + 20 * job, ("a", "a", "a", "b", "a", "a")
    )
    found = leak.judge(history, RULES)
    assert found is not None
    assert found.held_bytes / MIB == pytest.approx(9500 + 130 * 20, abs=150)


def test_unknown_readings_are_jobs_and_nothing_else() -> None:
    """They neither convict nor stop what is growing from being found."""
    assert leak.judge(after(300, lambda _: None), RULES) is None
    holes = after(100, lambda job: None if job % 3 else 6000 + 20 * job)
    found = leak.judge(holes, RULES)
    assert found is not None
    assert found.bytes_per_job / MIB == pytest.approx(20, rel=0.05)


def test_a_blind_probe_does_not_convict_on_what_it_saw_before() -> None:
    """Growth of two evaluations is not confirmed by blocks in which nothing was read."""
    growing = after(52, lambda job: 6000 + 40 * job)
    assert growing.quick.in_a_row == 3
    blind = growing
    for _ in range(40):
        blind = leak.after_job(blind, "a", None, RULES)
    assert blind.quick.in_a_row == 3
    assert leak.judge(blind, RULES) is None


def test_a_restart_is_due_before_the_budget_is_passed() -> None:
    """Not while the budget is far, and from when it is within sixty jobs."""
    budget_bytes = BASE + 3000 * MIB
    due = [
        jobs
        for jobs in range(300)
        if leak.project(after(jobs, lambda job: 6000 + 10 * job), RULES, budget_bytes)
    ]
    assert min(due) == pytest.approx(240, abs=5)
    assert due == list(range(min(due), 300))


def test_a_restart_needs_no_leak() -> None:
    """Growth too small for an alarm passes a budget that is close, no later than foretold."""
    history = after(100, lambda job: 6000 + 2 * job)
    assert leak.judge(history, RULES) is None
    found = leak.project(history, RULES, BASE + 300 * MIB)
    assert found is not None
    assert 38 <= found.jobs_left <= 50


def test_nothing_is_foretold_for_more_than_half_as_long_as_it_was_seen() -> None:
    """Thirty-two jobs of growth speak of the next sixteen."""
    history = after(44, lambda job: 6000 + 10 * job)
    assert leak.project(history, RULES, BASE + (44 * 10 + 155) * MIB) is not None
    assert leak.project(history, RULES, BASE + (44 * 10 + 165) * MIB) is None


def test_a_few_blocks_foretell_nothing() -> None:
    """Seven blocks are too few, however steep they rise and however close the budget is."""
    assert leak.project(after(40, lambda job: 6000 + 50 * job), RULES, BASE) is None


def test_what_does_not_grow_needs_no_restart_however_full() -> None:
    """A budget that is passed at once is not a matter of growth."""
    assert leak.project(after(100, noise), RULES, 0) is None


def test_a_passed_budget_leaves_no_jobs() -> None:
    """Not a negative number of them."""
    found = leak.project(after(100, lambda job: 6000 + 10 * job), RULES, BASE)
    assert found is not None
    assert found.jobs_left == 0


def test_the_history_survives_a_restart_of_its_keeper() -> None:
    """It goes through JSON and back, and says the same."""
    for jobs in (0, 10, 40, 100):
        history = after(jobs, lambda job: 6000 + 20 * job, ("a", "b"))
        kept = msgspec.json.decode(msgspec.json.encode(history), type=History)
        assert kept == history
    assert isinstance(leak.judge(kept, RULES), Finding)
