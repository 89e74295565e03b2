"""What is found of GPUs, from snapshot to snapshot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.model.gpu import Gpu, GpuHealth, Xid
from podkeeper.policy import gpu as policy
from podkeeper.policy import gpu_states, xid
from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu import GpuStanding, Seen
from podkeeper.policy.gpu_finding import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.policy.gpu_finding import Finding

RULES = policy.Rules(
    states=gpu_states.Rules(
        lost_grace_s=3.0,
        slowdown_celsius=90.0,
        hot_margin_celsius=3.0,
        hot_release_celsius=8.0,
        hot_grace_s=10.0,
        power_brake_grace_s=5.0,
        remap_failure=Answer.REPLACE_WORKER,
    ),
    xids=xid.Rules(settle_s=10.0, repeats=3, repeat_window_s=3600.0),
    ecc=Answer.RESTART_PROGRAM,
)


def gpu(index: int = 0, uuid: str | None = "GPU-a", **known: Any) -> Gpu:
    """Return a GPU of which only what is given is known."""
    unknown = dict.fromkeys(Gpu.__struct_fields__)
    return Gpu(**{**unknown, "index": index, "uuid": uuid, "health": GpuHealth(), **known})  # type: ignore[arg-type]


def judged(
    *snapshots: Sequence[Gpu] | None, step_s: float = 1.0, standing: GpuStanding | None = None
) -> tuple[GpuStanding, list[Finding]]:
    """Return what is remembered and found after these GPUs, one snapshot after the other."""
    standing = standing or GpuStanding()
    begun_s, found = (standing.at_s or 0.0), []
    for count, gpus in enumerate(snapshots, 1):
        standing, new = policy.judge(standing, Seen(begun_s + count * step_s, gpus), RULES)
        found += new
    return standing, found


def causes(found: Sequence[Finding]) -> list[tuple[int | None, Cause, Answer]]:
    """Return what was found, in short."""
    return [(each.gpu, each.cause, each.answer) for each in found]


LOST = gpu(lost=True, error="GPU is lost")
WELL = gpu(lost=False, temperature_celsius=60.0, clock_limits=("sw_power_cap",))
HOT = gpu(lost=False, temperature_celsius=88.0, clock_limits=())
LUKEWARM = gpu(lost=False, temperature_celsius=84.0, clock_limits=())


def test_a_healthy_gpu_is_no_finding() -> None:
    """Neither load nor a power cap are anything to tell."""
    assert judged(*[[WELL]] * 50)[1] == []


def test_a_lost_gpu_is_found_once_it_has_lasted() -> None:
    """One reading is none; it is found once however long it stays so."""
    standing, found = judged([WELL], [LOST], [LOST], [LOST])
    assert found == []
    standing, found = judged(*[[LOST]] * 20, standing=standing)
    assert causes(found) == [(0, Cause.GPU_LOST, Answer.REPLACE_WORKER)]
    assert found[0].evidence["error"] == "GPU is lost"
    assert policy.holding(standing) == {(0, Cause.GPU_LOST): Answer.REPLACE_WORKER}


def test_a_gpu_that_comes_back_can_be_lost_anew() -> None:
    """What was over is found again when it is again."""
    lost = [[LOST]] * 5
    standing, found = judged(*lost, [WELL], *lost)
    assert len(found) == 2
    assert policy.holding(judged([WELL], standing=standing)[0]) == {}


def test_a_gpu_that_is_not_listed_any_more_is_lost() -> None:
    """The other one, which now has its number, is not taken for it."""
    other = gpu(1, "GPU-b", lost=False)
    moved = msgspec.structs.replace(other, index=0)
    standing, found = judged([WELL, other], *[[moved]] * 5)
    assert causes(found) == [(0, Cause.GPU_LOST, Answer.REPLACE_WORKER)]
    assert found[0].evidence["uuid"] == "GPU-a"
    assert policy.holding(judged([WELL, other], standing=standing)[0]) == {}


def test_all_gpus_may_be_gone() -> None:
    """A driver that lists none any more has lost those that it had."""
    assert causes(judged([WELL], *[[]] * 5)[1]) == [(0, Cause.GPU_LOST, Answer.REPLACE_WORKER)]


@pytest.mark.parametrize("unknown", [None, [gpu(uuid=None)], [gpu()]])
def test_unknown_is_no_verdict(unknown: list[Gpu] | None) -> None:
    """No driver, a GPU that may not be asked, or one that says nothing: nobody is convicted."""
    standing, found = judged([WELL], *[unknown] * 30)
    assert found == []
    assert list(standing.gpus) == ["GPU-a"]


def test_what_holds_is_not_over_while_nobody_knows() -> None:
    """A blind probe pardons nobody: what was found stays found."""
    standing, _ = judged(*[[LOST]] * 5)
    standing, found = judged(None, [gpu()], None, *[[LOST]] * 5, standing=standing)
    assert found == []
    assert (0, Cause.GPU_LOST) in policy.holding(standing)


def test_a_gpu_without_a_name_may_be_any_that_is_not_listed() -> None:
    """While there is one, nobody is gone, and nothing is forgotten of those that were there."""
    nameless = gpu(1, uuid=None, lost=False)
    standing, _ = judged(*[[LOST, gpu(2, "GPU-b")]] * 5)
    standing, found = judged(*[[nameless]] * 9, *[[LOST]] * 2, standing=standing)
    assert found == []
    assert set(standing.gpus) == {"GPU-a", "GPU-b"}
    assert (0, Cause.GPU_LOST) in policy.holding(standing)


def test_heat_counts_once_it_has_lasted_and_is_over_well_below() -> None:
    """A peak is none; between the lines nothing changes, and it is found anew after it was over."""
    assert judged(*[[HOT]] * 8, *[[LUKEWARM]] * 2, *[[HOT]] * 8)[1] == []
    standing, found = judged(*[[HOT]] * 15, *[[LUKEWARM]] * 3, *[[HOT]] * 15)
    assert causes(found) == [(0, Cause.GPU_HOT, Answer.NOTE)]
    assert "88 degrees Celsius, 2 from slowing itself down" in found[0].sentence
    standing, found = judged([WELL], *[[HOT]] * 15, standing=standing)
    assert len(found) == 1


@pytest.mark.parametrize(
    ("known", "hot"),
    [
        ({"temperature_celsius": 88.0}, True),
        ({"temperature_celsius": 88.0, "slowdown_celsius": 95.0}, False),
        ({"temperature_celsius": 80.0, "slowdown_celsius": 82.0}, True),
        ({"temperature_celsius": 60.0, "slowdown_margin_celsius": 1.0}, True),
        ({"temperature_celsius": 99.0, "slowdown_margin_celsius": 9.0}, False),
        ({"temperature_celsius": 50.0, "clock_limits": ("hw_thermal_slowdown",)}, True),
        ({"clock_limits": ("sw_thermal_slowdown",)}, True),
        ({"temperature_celsius": 50.0, "clock_limits": ("hw_slowdown",)}, False),
        ({}, False),
    ],
)
def test_what_is_hot_depends_on_what_the_gpu_tells(known: dict[str, Any], hot: bool) -> None:  # noqa: FBT001 - a case
    """Its own margin comes first, then its own threshold, then the one that is set."""
    assert bool(judged(*[[gpu(**known)]] * 15)[1]) is hot


def test_a_power_brake_that_lasts_is_found() -> None:
    """One that comes and goes is none."""
    braked = gpu(clock_limits=("hw_slowdown", "hw_power_brake_slowdown"))
    free = gpu(clock_limits=())
    assert judged(*[[braked], [free]] * 10)[1] == []
    assert causes(judged(*[[braked]] * 10)[1]) == [(0, Cause.GPU_POWER, Answer.NOTE)]


@pytest.mark.parametrize(
    ("action", "due"),
    [("none", False), ("drain_p2p", False), ("gpu_reset", True), ("node_reboot", True)],
)
def test_a_gpu_that_needs_a_reset_calls_for_another_worker(action: str, due: bool) -> None:  # noqa: FBT001 - a case
    """A container cannot do one."""
    found = judged(*[[gpu(recovery_action=action)]] * 6)[1]
    assert causes(found) == [(0, Cause.GPU_RESET, Answer.REPLACE_WORKER)] * due


def test_rows_of_memory_that_cannot_be_replaced_are_found_at_once() -> None:
    """One that waits for a reset is noted, one that failed calls for another worker."""
    pending = gpu(health=GpuHealth(remap_pending=True, remap_failed=False))
    failed = gpu(health=GpuHealth(remap_pending=True, remap_failed=True))
    standing, found = judged(*[[pending]] * 3, *[[failed]] * 3)
    assert causes(found) == [
        (0, Cause.GPU_ECC, Answer.NOTE),
        (0, Cause.GPU_ECC, Answer.REPLACE_WORKER),
    ]
    assert policy.holding(standing) == {(0, Cause.GPU_ECC): Answer.REPLACE_WORKER}


def test_memory_errors_count_from_what_was_there_before() -> None:
    """Those of before the worker are none of its own; a count that falls is a new beginning."""
    counts = [7, 7, None, 9, 9, 0, 1]
    gpus = [[gpu(health=GpuHealth(ecc_uncorrected=count))] for count in counts]
    found = judged(*gpus)[1]
    assert [each.sentence for each in found] == [
        "met memory errors that ECC could not put right: 2",
        "met memory errors that ECC could not put right: 1",
    ]
    assert causes(found)[0] == (0, Cause.GPU_ECC, Answer.RESTART_PROGRAM)
    assert found[0].evidence["ecc_uncorrected_before"] == 7


def test_a_snapshot_is_judged_once() -> None:
    """To look at it again is no time that has passed, and no second error."""
    seen = Seen(1.0, [LOST], [Xid(sequence=1, gpu=0, code=79, at_monotonic_s=1.0)], 5)
    standing, found = policy.judge(GpuStanding(), seen, RULES)
    assert len(found) == 1
    assert policy.judge(standing, seen, RULES) == (standing, [])


def xids(*numbered: int, at_s: float = 0.0) -> list[Xid]:
    """Return errors that only are noted, with these numbers, each of another GPU."""
    return [Xid(sequence=each, gpu=each, code=63, at_monotonic_s=at_s) for each in numbered]


def test_an_error_is_judged_once_by_its_number() -> None:
    """What stays in the list is old; another watchdog counts from the beginning."""
    standing = GpuStanding()
    lives = [(5, (1, 2)), (5, (1, 2, 3)), (5, ()), (6, ()), (6, (1,)), (7, (1, 2))]
    told = []
    for at, (pid, numbers) in enumerate(lives):
        seen = Seen(float(at), None, xids(*numbers, at_s=100.0 * at), pid)
        standing, found = policy.judge(standing, seen, RULES)
        told.append([each.gpu for each in found])
    assert told == [[1, 2], [3], [], [], [1], [1, 2]]


def test_what_is_remembered_survives_its_file() -> None:
    """The keeper may die and go on with it."""
    seen = Seen(1.0, [LOST, gpu(1, "GPU-b", lost=False)], xids(1, 2), 5)
    standing, _ = policy.judge(GpuStanding(), seen, RULES)
    standing, _ = policy.judge(standing, replace(seen, at_s=9.0), RULES)
    assert msgspec.json.decode(msgspec.json.encode(standing), type=GpuStanding) == standing


READINGS = st.builds(
    gpu,
    st.integers(0, 1),
    st.sampled_from([None, "GPU-a", "GPU-b"]),
    lost=st.none() | st.booleans(),
    temperature_celsius=st.none() | st.floats(20, 110),
    clock_limits=st.sampled_from([None, (), ("gpu_idle",), ("hw_thermal_slowdown",)]),
    recovery_action=st.none() | st.sampled_from(["none", "gpu_reset"]),
    health=st.builds(
        GpuHealth,
        ecc_uncorrected=st.none() | st.integers(0, 3),
        remap_failed=st.none() | st.booleans(),
    ),
)
# Neither an index nor a name belongs to two.
UNIQUE = (lambda each: each.index, lambda each: each.uuid or each.index)
LISTS = st.none() | st.lists(READINGS, max_size=2, unique_by=UNIQUE)


@given(st.lists(LISTS, max_size=30))
def test_a_state_is_found_again_only_after_it_was_over(snapshots: list[list[Gpu] | None]) -> None:
    """Of whatever is found, nothing that holds is found a second time, and all of it is told."""
    standing, before = GpuStanding(), {}
    for at, gpus in enumerate(snapshots):
        standing, found = policy.judge(standing, Seen(float(at), gpus), RULES)
        keys = [(known, name) for known, each in standing.gpus.items()
                for name, held in each.states.items() if held.told is not None]  # fmt: skip
        begun = [each for each in keys if each not in before]
        lasting = [each for each in found if "ecc_uncorrected_before" not in each.evidence]
        assert len(lasting) == len(begun)
        assert all(each.sentence and each.gpu is not None for each in found)
        before = dict.fromkeys(keys)
