"""What holds for every series of jobs, whatever it looks like."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from podkeeper.policy import leak
from podkeeper.policy.leak import History, Rules

MIB = 1 << 20
# Odd, so that no slope of whole mebibytes is on the line.
RULES = Rules(
    skip_jobs=3,
    block_jobs=4,
    slow_factor=3,
    blocks=10,
    least_blocks=5,
    slope_bytes=3 * MIB + 1,
    growth_bytes=100 * MIB + 1,
    evaluations=2,
    recycle_jobs=60,
    sen_z=1.645,
)
BUDGET_BYTES = 4000 * MIB
names = st.sampled_from(["a", "b", "c", "d"])
jobs = st.lists(
    st.tuples(names, st.none() | st.integers(min_value=0, max_value=2000)), max_size=100
)
growing = st.tuples(st.integers(-30, 30), st.integers(0, 40)).flatmap(
    lambda line: st.lists(st.tuples(names, st.integers(0, 60)), min_size=20, max_size=100).map(
        lambda each: [
            (name, 3000 + line[0] * number // 2 + line[1] * number + off)
            for number, (name, off) in enumerate(each)
        ]
    )
)
series = st.one_of(jobs, growing)


def history_of(readings: list[tuple[str, int | None]], level_mib: int = 0) -> History:
    """Return the history after these jobs, all a level higher."""
    history = History()
    for name, held_mib in readings:
        held_bytes = None if held_mib is None else (held_mib + level_mib) * MIB
        history = leak.after_job(history, name, held_bytes, RULES)
    return history


@given(st.lists(names, max_size=120), st.integers(0, 10**6))
def test_a_constant_never_alarms(checkpoints: list[str], held_mib: int) -> None:
    """Neither detector nor projection, whatever the budget."""
    history = history_of([(name, held_mib) for name in checkpoints])
    assert leak.judge(history, RULES) is None
    assert leak.project(history, RULES, 0) is None


@given(st.lists(names, max_size=120), st.dictionaries(names, st.integers(0, 10**5)))
def test_levels_of_checkpoints_never_alarm(checkpoints: list[str], levels: dict[str, int]) -> None:
    """However they take turns."""
    history = history_of([(name, levels.get(name, 0)) for name in checkpoints])
    assert leak.judge(history, RULES) is None
    assert leak.project(history, RULES, 0) is None


@given(series, st.integers(0, 10**5))
@settings(deadline=None)
def test_a_level_changes_nothing(readings: list[tuple[str, int | None]], level_mib: int) -> None:
    """What is judged is growth; the budget moves with the level."""
    plain, shifted = history_of(readings), history_of(readings, level_mib)
    assert plain.quick.trend == shifted.quick.trend
    assert (plain.quick.in_a_row, plain.slow.in_a_row) == (
        shifted.quick.in_a_row,
        shifted.slow.in_a_row,
    )
    assert (leak.judge(plain, RULES) is None) == (leak.judge(shifted, RULES) is None)


@given(series, st.permutations(["a", "b", "c", "d"]))
@settings(deadline=None)
def test_names_of_checkpoints_change_nothing(
    readings: list[tuple[str, int | None]], others: list[str]
) -> None:
    """They only tell one from another."""
    renamed = dict(zip(["a", "b", "c", "d"], others, strict=True))
    plain = history_of(readings)
    mixed = history_of([(renamed[name], held) for name, held in readings])
    assert leak.judge(plain, RULES, BUDGET_BYTES) == leak.judge(mixed, RULES, BUDGET_BYTES)
    assert leak.project(plain, RULES, BUDGET_BYTES) == leak.project(mixed, RULES, BUDGET_BYTES)


@given(series)
@settings(deadline=None)
def test_the_history_stays_small_and_can_be_kept(readings: list[tuple[str, int | None]]) -> None:
    """At most a floor for each job of the newest blocks, and it comes back from JSON as it was."""
    history = history_of(readings)
    assert history.jobs == len(readings)
    for track, scale in ((history.quick, 4), (history.slow, 12)):
        assert len(track.floors) <= RULES.blocks * scale
        blocks = [floor.block for floor in track.floors]
        assert blocks == sorted(blocks)
        assert len({(floor.block, floor.checkpoint) for floor in track.floors}) == len(blocks)
    assert msgspec.json.decode(msgspec.json.encode(history), type=History) == history


@given(series)
@settings(deadline=None)
def test_an_alarm_is_about_growth(readings: list[tuple[str, int | None]]) -> None:
    """What is found grows surely, by no more than it likely does, and leaves no negative time."""
    history = history_of(readings)
    alarm = leak.judge(history, RULES, BUDGET_BYTES)
    for found in (alarm, leak.project(history, RULES, BUDGET_BYTES)):
        if found is not None:
            assert 0 <= found.least_bytes_per_job <= found.bytes_per_job
            assert found.jobs_left is None or found.jobs_left >= 0
    assert alarm is None or alarm.bytes_per_job > RULES.slope_bytes


@given(
    st.lists(st.tuples(names, st.integers(-25, 25)), min_size=120, max_size=120),
    st.integers(20, 500),
)
@settings(deadline=None)
def test_a_large_leak_is_found_through_noise(off: list[tuple[str, int]], leak_mib: int) -> None:
    """Whatever the checkpoints, of which each was used several times."""
    steady = [(("a", "b")[number % 2], each) for number, (_, each) in enumerate(off)]
    for chosen in (steady, [("a", each) for _, each in off]):
        readings = [
            (name, 3000 + number * leak_mib + each) for number, (name, each) in enumerate(chosen)
        ]
        assert leak.judge(history_of(readings), RULES) is not None
