"""Whether a program that lives still works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import hang
from podkeeper.policy.hang import Hung, Job, Rules, Seen, Watch
from podkeeper.policy.liveness import Patience
from podkeeper.policy.stall import Lines, Signs

LINES = Lines(window_s=10.0, cpu_ratio=0.1, gpu_ratio=0.02, io_bytes=1000)
RULES = Rules(
    lines=LINES,
    patience=Patience(failures=3, period_s=2.0),
    stopped_s=4.0,
    silence_s=30.0,
    gap_s=5.0,
)
IDLE = Seen(pid=7, signs=Signs(at_s=0.0, cpu_s=1.0, io_bytes=0), failures=0, was_ready=True)
MUTE = replace(IDLE, failures=9, detail="no answer in 5 s")
BUSY = replace(
    IDLE,
    signs=replace(IDLE.signs, moved_at_s=0.0),
    job=Job("job-1", "sampling", 0.5),
)


def told(  # noqa: PLR0913 - one of each, most with a default
    seen: Seen,
    span_s: float,
    *,
    cpu_per_s: float = 0.0,
    moving: bool = False,
    watch: Watch | None = None,
    step_s: float = 0.5,
    rules: Rules = RULES,
) -> tuple[Watch, Hung | None, float]:
    """Return what is remembered, found, and when, of a program that stays as it is for so long."""
    watch = watch or Watch()
    begun_s = at_s = watch.at_s + step_s
    while at_s <= begun_s + span_s:
        signs = replace(
            seen.signs,
            at_s=at_s,
            cpu_s=1.0 + cpu_per_s * at_s,
            moved_at_s=at_s if moving else seen.signs.moved_at_s,
        )
        watch, hung = hang.judge(watch, replace(seen, signs=signs), rules)
        if hung is not None:
            return watch, hung, at_s - begun_s
        at_s += step_s
    return watch, None, at_s - begun_s


def test_a_job_that_stands_still_with_all_else_is_a_hang() -> None:
    """After one window, with what stood still and for how long."""
    _, hung, after_s = told(BUSY, 60)
    assert hung is not None
    assert after_s == pytest.approx(LINES.window_s, abs=1)
    assert "job-1 (sampling at 50%)" in hung.reason
    assert not hung.stopped
    assert hung.evidence["stood_still_s"] == pytest.approx(10, abs=1)
    assert hung.evidence["cpu_s_meanwhile"] == 0


@pytest.mark.parametrize("seen", [BUSY, replace(BUSY, failures=99)])
def test_a_job_that_moves_is_no_hang(seen: Seen) -> None:
    """Slow or not, answering or not: progress alone, or processor time alone, is enough."""
    assert told(seen, 300, moving=True)[1] is None
    assert told(seen, 300, cpu_per_s=0.3)[1] is None


def test_an_idle_program_that_answers_nobody_and_does_nothing_is_a_hang() -> None:
    """Failed probes in a row, for as long as it takes to make them, without processor time."""
    _, hung, after_s = told(MUTE, 60)
    assert hung is not None
    assert after_s == pytest.approx(6, abs=1)
    assert "9 liveness probes failed (no answer in 5 s)" in hung.reason


@pytest.mark.parametrize(
    ("changes", "cpu_per_s"),
    [
        ({"failures": 0}, 0.0),
        ({"failures": 2}, 0.0),
        ({"failures": None}, 0.0),
        ({"was_ready": False}, 0.0),
        ({}, 0.5),
    ],
)
def test_an_idle_program_is_left_alone(changes: dict[str, object], cpu_per_s: float) -> None:
    """One that answers, failed too seldom, was not asked, still starts, or works."""
    seen = replace(MUTE, **changes)
    assert told(seen, 300, cpu_per_s=cpu_per_s)[1] is None


def test_one_answer_starts_the_count_anew() -> None:
    """What answered a moment ago is given its whole time again."""
    watch, hung, _ = told(MUTE, 5)
    assert hung is None
    watch, hung, _ = told(IDLE, 0.5, watch=watch)
    assert hung is None
    assert told(MUTE, 60, watch=watch)[2] == pytest.approx(6, abs=1)


def test_a_program_that_nobody_asks_is_not_given_up_for_silence() -> None:
    """Without a probe there are no failures to count."""
    assert told(MUTE, 300, rules=replace(RULES, patience=None))[1] is None


@pytest.mark.parametrize("seen", [IDLE, BUSY, MUTE])
def test_a_stopped_process_is_a_hang_soon(seen: Seen) -> None:
    """State T is enough by itself, and says that no signal but SIGKILL is heard."""
    _, hung, after_s = told(replace(seen, stopped=True), 60)
    assert hung is not None
    assert hung.stopped
    assert after_s == pytest.approx(RULES.stopped_s, abs=1)


def test_a_process_that_goes_on_is_not_stopped() -> None:
    """Somebody who looks at it for a moment does no harm."""
    watch, hung, _ = told(replace(IDLE, stopped=True), 3)
    assert hung is None
    watch, hung, _ = told(IDLE, 1, watch=watch)
    assert hung is None
    assert told(replace(IDLE, stopped=True), 3, watch=watch)[1] is None


def test_a_handler_at_work_that_writes_no_more_is_a_hang() -> None:
    """Its last sign of life stays the same, while there are jobs."""
    _, hung, after_s = told(replace(IDLE, sign_of_life_s=1.0), 60)
    assert hung is not None
    assert after_s == pytest.approx(30, abs=1)
    assert "no sign of life" in hung.reason


def test_another_process_starts_with_nothing_against_it() -> None:
    """What its predecessor did counts for nothing."""
    watch, hung, _ = told(BUSY, 9)
    assert hung is None
    assert told(replace(BUSY, pid=8), 9, watch=watch)[1] is None


def test_time_that_was_not_watched_counts_for_nothing() -> None:
    """A frozen container, or a watchdog that was gone, is no reason to kill what it held up."""
    watch, hung, _ = told(BUSY, 9)
    assert hung is None
    watch = replace(watch, at_s=watch.at_s + 100)
    late = replace(BUSY, signs=replace(BUSY.signs, at_s=watch.at_s + 100, cpu_s=1.0))
    watch, hung = hang.judge(watch, late, RULES)
    assert hung is None
    assert told(BUSY, 9, watch=watch)[1] is None


def test_the_same_snapshot_seen_again_proves_nothing() -> None:
    """Time passes from one snapshot to the next, however often the keeper looks."""
    watch = Watch()
    for _ in range(1000):
        watch, hung = hang.judge(watch, BUSY, RULES)
        assert hung is None


LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 1.0, 3.0, 20.0]),
        st.sampled_from([None, 0.0, 0.02, 3.0]),
        st.booleans(),
        st.sampled_from([None, 0, 1, 5]),
        st.booleans(),
    ),
    max_size=120,
)


@given(LOOKS)
def test_a_program_that_works_is_never_hung(
    looks: list[tuple[float, float | None, bool, int | None, bool]],
) -> None:
    """Whatever is asked and answered: what used the processor at each look is not given up."""
    watch, at_s, cpu_s = Watch(), 0.0, 0.0
    for pause_s, _, busy, failures, ready in looks:
        at_s, cpu_s = at_s + pause_s, cpu_s + 3.0
        base = BUSY if busy else IDLE
        seen = replace(
            base,
            signs=replace(base.signs, at_s=at_s, cpu_s=cpu_s),
            failures=failures,
            was_ready=ready,
        )
        watch, hung = hang.judge(watch, seen, RULES)
        assert hung is None


@given(LOOKS)
def test_without_processor_time_nobody_is_hung(
    looks: list[tuple[float, float | None, bool, int | None, bool]],
) -> None:
    """A blind watchdog gives nobody up, unless the process is seen to be stopped."""
    watch, at_s = Watch(), 0.0
    for pause_s, _, busy, failures, ready in looks:
        at_s += pause_s
        base = BUSY if busy else IDLE
        signs = replace(base.signs, at_s=at_s, cpu_s=None)
        seen = replace(base, signs=signs, failures=failures, was_ready=ready)
        watch, hung = hang.judge(watch, seen, RULES)
        assert hung is None
