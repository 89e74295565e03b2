"""Whether a dead WebUI's GPU memory has come back."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.policy import vram
from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Answer
from podkeeper.policy.vram import Gate, Rules, Seen, Standing

MB = 1_000_000
RULES = Rules(
    baseline_bytes=None,
    idle_bytes=500 * MB,
    slack_bytes=300 * MB,
    wait_s=30.0,
    answer=Answer.REPLACE_WORKER,
)


def judged(
    *moments: tuple[float, int | None, bool],
    rules: Rules = RULES,
    standing: Standing | None = None,
) -> tuple[Standing, list[Gate]]:
    """Return what is remembered and judged of (instant, megabytes, whether a WebUI is there)."""
    standing, gates = standing or Standing(), []
    for at_s, used_mb, occupied in moments:
        used = None if used_mb is None else used_mb * MB
        standing, gate = vram.judge(standing, Seen(at_s, 0, used, occupied), rules)
        gates.append(gate)
    return standing, gates


def test_memory_that_comes_back_holds_up_the_start_only_until_then() -> None:
    """The driver takes a moment to free it."""
    _, gates = judged((0, 10, False), (1, 8000, True), (2, 7000, False), (3, 200, False))
    assert [each.may_start for each in gates] == [True, True, False, True]
    assert not any(each.finding for each in gates)


def test_memory_that_does_not_come_back_is_found_once_with_figures() -> None:
    """The start waits no longer than its bound; each WebUI's end is judged anew."""
    standing, gates = judged(
        (0, 10, False), (1, 8000, True), (2, 7000, False), (31, 7000, False), (32, 7000, False),
        (33, 7000, False), (34, 7000, True), (35, 7000, False),
    )  # fmt: skip
    assert [each.may_start for each in gates[2:]] == [False, False, True, True, True, False]
    (found,) = (each.finding for each in gates if each.finding)
    assert (found.cause, found.answer) == (Cause.VRAM_ORPHAN, Answer.REPLACE_WORKER)
    assert found.evidence["vram_used_bytes"] == 7000 * MB
    assert found.evidence["vram_baseline_bytes"] == 10 * MB
    assert "6990000000 bytes of memory in use 30 s after" in found.sentence
    assert standing.baseline_bytes == 10 * MB


def test_the_baseline_is_the_least_that_was_seen() -> None:
    """Leftovers, each within the slack, never raise it: together they would be a WebUI."""
    standing = Standing()
    for turn, left in enumerate((100, 300, 390, 450)):
        standing, _ = judged(
            (4.0 * turn, left, False), (4.0 * turn + 1, 8000, True), standing=standing
        )
    assert standing.baseline_bytes == 100 * MB
    _, (gate,) = judged((99.0, 450, False), standing=standing)
    assert not gate.may_start


def test_a_gpu_never_seen_idle_is_taken_to_be() -> None:
    """What a dead WebUI left is not learnt as what is there without one."""
    standing, gates = judged((0, 8000, True), (1, 7000, False), (2, 700, False))
    assert [each.may_start for each in gates] == [True, False, True]
    assert standing.baseline_bytes == 700 * MB


def test_a_baseline_that_is_set_is_not_learnt() -> None:
    """Where others share the GPU, what they use is no leftover."""
    rules = replace(RULES, baseline_bytes=4000 * MB)
    _, gates = judged((0, 10, False), (1, 8000, True), (2, 4200, False), rules=rules)
    assert gates[-1].may_start


@pytest.mark.parametrize("before", [Standing(), Standing(10 * MB, was_occupied=True)])
def test_what_nobody_knows_holds_up_nothing(before: Standing) -> None:
    """Without a reading a WebUI is started as ever, and nothing is learnt or found."""
    standing, gates = judged((0, None, False), (99, None, False), standing=before)
    assert all(each == Gate(may_start=True) for each in gates)
    assert standing == before


def test_what_is_remembered_survives_its_file() -> None:
    """The keeper may die and go on with it."""
    standing, _ = judged((0, 10, False), (1, 8000, True), (2, 7000, False))
    assert msgspec.json.decode(msgspec.json.encode(standing), type=Standing) == standing


MOMENTS = st.lists(
    st.tuples(st.floats(0.1, 20.0), st.none() | st.integers(0, 9000), st.booleans()), max_size=40
)


@given(MOMENTS)
def test_no_start_waits_longer_than_the_bound(steps: list[tuple[float, int | None, bool]]) -> None:
    """However memory moves, a start is held up for the bound at most, then there is a finding."""
    standing, at_s, held_since_s = Standing(), 0.0, None
    for step_s, used_mb, occupied in steps:
        at_s += step_s
        used = None if used_mb is None else used_mb * MB
        before = standing
        standing, gate = vram.judge(standing, Seen(at_s, 0, used, occupied), RULES)
        if gate.may_start:
            if gate.finding is None and not occupied and used is not None and not before.told:
                allowed = vram.baseline_bytes(before, RULES) + RULES.slack_bytes
                assert used <= allowed or not before.was_occupied
            held_since_s = None if used is not None or occupied else held_since_s
        else:
            held_since_s = at_s if held_since_s is None else held_since_s
            assert at_s - held_since_s < RULES.wait_s
            assert gate.finding is None
