"""From readings to signals: headroom, lines, pressure with its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from podkeeper.loops.gauges import Gauges
from podkeeper.model.gpu import Gpu
from podkeeper.model.snapshot import ContainerMemory, Cpu, Disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from podkeeper.model.signal import SignalReading
    from podkeeper.model.snapshot import ProgramReading, Snapshot
    from podkeeper.settings.plan import Plan

    MakePlan = Callable[..., Plan]
    MakeProgram = Callable[..., ProgramReading]
    MakeSnapshot = Callable[..., Snapshot]

MIB, GIB = 1 << 20, 1 << 30


def memory(used: int | None, capacity: int | None = 16 * GIB) -> ContainerMemory:
    """Return a container's memory."""
    return ContainerMemory(capacity_bytes=capacity, working_set_bytes=used, oom_kills=0)


def disk(**known: int) -> Disk:
    """Return a disk of which only what is given is known."""
    unknown = dict.fromkeys(Disk.__struct_fields__)
    return Disk(**{**unknown, "path": "/", **known})  # type: ignore[arg-type]


def card(**known: int) -> Gpu:
    """Return a GPU of which only what is given is known."""
    unknown = {name: None for name in Gpu.__struct_fields__ if name != "clock_limits"}
    return Gpu(**{**unknown, "index": 1, **known})  # type: ignore[arg-type]


FULL_CARD = card(memory_capacity_bytes=1000, memory_used_bytes=995)
BUSY = Cpu(capacity_cores=1, used_cores=1, wait_ratio=0.9)


def the(found: list[SignalReading], kind: str) -> SignalReading:
    """Return the one signal of a kind."""
    (signal,) = [each for each in found if each.kind == kind]
    return signal


def at(snapshot: Snapshot, at_s: float, **changes: Any) -> Snapshot:
    """Return the same snapshot as of another instant, with changes."""
    return msgspec.structs.replace(snapshot, taken_monotonic_s=at_s, **changes)


@pytest.mark.parametrize(
    ("kind", "subject", "known", "left", "size", "pressure"),
    [
        ("memory", "", {"memory": memory(15 * GIB)}, GIB, 16 * GIB, "calm"),
        ("memory", "", {"memory": memory(16 * GIB - 500 * MIB)}, 500 * MIB, 16 * GIB, "hard"),
        ("memory", "", {"memory": memory(16 * GIB - MIB)}, MIB, 16 * GIB, "critical"),
        ("disk", "/", {"disks": [disk(capacity_bytes=100, available_bytes=2)]}, 2, 100, "hard"),
        ("inodes", "/", {"disks": [disk(capacity_inodes=100, available_inodes=1)]}, 1, 100, "hard"),
        ("vram", "1", {"gpus": [FULL_CARD]}, 5, 1000, "hard"),
        ("cpu", "", {"cpu": BUSY}, pytest.approx(0.1), 1.0, "calm"),
    ],
)
def test_what_the_container_runs_out_of(  # noqa: PLR0913, PLR0917 - one case's values
    plan_of: MakePlan,
    snapshot: MakeSnapshot,
    kind: str,
    subject: str,
    known: dict[str, Any],
    left: float,
    size: float,
    pressure: str,
) -> None:
    """What is left, of how much, and how bad that is; a soft line needs its grace."""
    signal = the(Gauges(plan_of()).look(snapshot(**known)), kind)
    assert (signal.subject, signal.pid, signal.headroom) == (subject, 0, left)
    assert (signal.capacity, signal.pressure) == (size, pressure)


@pytest.mark.parametrize(
    ("kind", "known", "left", "pressure"),
    [
        ("program_memory", {"memory_bytes": 1 * GIB}, 2 * GIB, "calm"),
        ("program_memory", {"memory_bytes": 3 * GIB + MIB}, -MIB, "hard"),
        ("program_memory", {"memory_bytes": 4 * GIB}, -GIB, "critical"),
        ("open_files", {"open_files_limit": 100, "open_files_most": 97}, 3, "hard"),
    ],
)
def test_what_a_program_runs_out_of(  # noqa: PLR0913, PLR0917 - one case's values
    plan_of: MakePlan,
    snapshot: MakeSnapshot,
    program: MakeProgram,
    kind: str,
    known: dict[str, Any],
    left: float,
    pressure: str,
) -> None:
    """It is of exactly the process that was read."""
    signal = the(Gauges(plan_of()).look(snapshot(program("webui", pid=7, **known))), kind)
    assert (signal.subject, signal.pid) == ("webui", 7)
    assert (signal.headroom, signal.pressure) == (left, pressure)


def test_who_does_not_run_runs_out_of_nothing(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """A program without a process has no signal, whatever was read of it."""
    taken = snapshot(program("webui", pid=None, memory_bytes=4 * GIB))
    assert Gauges(plan_of()).look(taken) == []


def test_what_cannot_be_read_is_no_signal(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """Unknown is neither nothing left nor all of it."""
    blind = snapshot(
        program("webui", pid=7),
        memory=memory(None),
        disks=[disk(capacity_bytes=100)],
        gpus=[card(memory_used_bytes=5)],
    )
    assert Gauges(plan_of()).look(blind) == []


def test_the_lines_are_those_of_the_settings(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """Shares of what there is; a program's own limits as bytes left below the hard one."""
    plan = plan_of(
        "thresholds.memory_soft=20%",
        "thresholds.memory_hard=10%",
        "thresholds.memory_critical=1%",
        "webui.memory_soft=1GiB",
        "webui.memory_hard=2GiB",
        "memory.critical_factor=1.5",
    )
    taken = snapshot(program("webui", pid=7, memory_bytes=MIB), memory=memory(0, capacity=1000))
    whole, own = (the(Gauges(plan).look(taken), kind) for kind in ("memory", "program_memory"))
    assert (whole.soft, whole.hard, whole.critical) == (200, 100, 10)
    assert own.capacity == 95  # the floor of a tenth, in a container of a thousand bytes
    roomy = snapshot(program("webui", pid=7, memory_bytes=MIB))
    own = the(Gauges(plan).look(roomy), "program_memory")
    assert (own.soft, own.hard, own.critical) == (GIB, 0, -GIB)


def test_a_large_disk_has_lines_in_bytes(plan_of: MakePlan, snapshot: MakeSnapshot) -> None:
    """A tenth of a network volume would never be reached in time, nor needed."""
    volume = disk(capacity_bytes=1 << 50, available_bytes=20 * GIB)
    signal = the(Gauges(plan_of()).look(snapshot(disks=[volume])), "disk")
    assert (signal.soft, signal.hard) == (10 * GIB, pytest.approx(3 * GIB))


def test_soft_needs_its_time_and_is_left_with_a_distance(
    plan_of: MakePlan, snapshot: MakeSnapshot
) -> None:
    """Nothing is soft at once; what is soft stays so until there is clearly more left."""
    gauges, taken = Gauges(plan_of()), snapshot(memory=memory(15 * GIB))
    since_s = taken.taken_monotonic_s
    first = the(gauges.look(taken), "memory")
    assert (first.pressure, first.short_since_s) == ("calm", since_s)
    assert the(gauges.look(at(taken, since_s + 14)), "memory").pressure == "calm"
    assert the(gauges.look(at(taken, since_s + 15)), "memory").pressure == "soft"
    better = at(taken, since_s + 16, memory=memory(14 * GIB + 300 * MIB))
    assert the(gauges.look(better), "memory").pressure == "soft"
    well = at(taken, since_s + 17, memory=memory(13 * GIB))
    assert the(gauges.look(well), "memory").pressure == "calm"


def test_a_blind_look_keeps_what_was_squeezed_and_gives_it_again(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """Nothing is known to have changed, so the pressure stands, without a figure."""
    gauges = Gauges(plan_of())
    seen = snapshot(program("webui", pid=7, memory_bytes=4 * GIB), memory=memory(0))
    blind = snapshot(program("webui", pid=7), memory=memory(None))
    gauges.look(seen)
    for _ in range(2):
        (kept,) = gauges.look(blind)
        assert (kept.kind, kept.pid, kept.pressure) == ("program_memory", 7, "critical")
        assert (kept.headroom, kept.capacity) == (None, None)
    again = the(gauges.look(seen), "program_memory")
    assert (again.pressure, again.headroom) == ("critical", -GIB)


def test_another_process_of_a_program_starts_anew(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """Neither the pressure of the last life nor its time below the line counts for the next."""
    gauges = Gauges(plan_of())
    gauges.look(snapshot(program("webui", pid=7, memory_bytes=4 * GIB)))
    unread = gauges.look(snapshot(program("webui", pid=8)))
    assert unread == []
    young = gauges.look(snapshot(program("webui", pid=8, memory_bytes=int(2.5 * GIB))))
    assert the(young, "program_memory").pressure == "calm"


def test_a_watchdog_that_comes_anew_takes_up_where_the_last_left_off(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """Soft stays soft, and a grace that had begun goes on, through the watchdog's own death."""
    plan, soft = plan_of(), int(2.5 * GIB)
    taken = snapshot(program("webui", pid=7, memory_bytes=soft))
    begun = at(taken, 100, signals=Gauges(plan).look(at(taken, 100)))
    gauges = Gauges(plan, begun)
    assert the(gauges.look(at(taken, 110)), "program_memory").pressure == "calm"
    last = at(taken, 115, signals=gauges.look(at(taken, 115)))
    assert the(last.signals, "program_memory").pressure == "soft"
    assert the(Gauges(plan, last).look(at(taken, 116)), "program_memory").pressure == "soft"
    assert the(Gauges(plan).look(at(taken, 116)), "program_memory").pressure == "calm"


def test_limits_follow_a_container_that_is_resized(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """In a smaller container a program may use less, and what it holds may be too much at once."""
    gauges, plan = Gauges(plan_of()), plan_of()
    webui = program("webui", pid=7, memory_bytes=2 * GIB)
    before = the(gauges.look(snapshot(webui, memory=memory(3 * GIB))), "program_memory")
    small = snapshot(webui, memory=memory(3 * GIB, capacity=4 * GIB))
    after = the(gauges.look(small), "program_memory")
    assert before.capacity == 3 * GIB
    reserve = plan.settings.memory.reserve.of(4 * GIB)
    assert after.capacity is not None
    assert 2 * GIB < after.capacity < 4 * GIB - reserve
    tiny = snapshot(webui, memory=memory(GIB, capacity=2 * GIB))
    assert the(gauges.look(tiny), "program_memory").pressure == "critical"


def test_what_the_others_hold_above_their_floors_comes_off(
    plan_of: MakePlan, snapshot: MakeSnapshot, program: MakeProgram
) -> None:
    """A handler that grows leaves the WebUI less, as long as it holds it."""
    gauges = Gauges(plan_of("webui.memory_hard=90%", "webui.memory_soft=80%"))
    webui = program("webui", pid=7, memory_bytes=GIB)
    small = program("handler", pid=8, memory_bytes=100 * MIB)
    large = program("handler", pid=8, memory_bytes=4 * GIB)
    sizes = [
        the([each for each in found if each.subject == "webui"], "program_memory").capacity
        for found in (gauges.look(snapshot(webui, each)) for each in (small, large, small))
    ]
    assert sizes[0] == sizes[2]
    assert sizes[0] > sizes[1]  # type: ignore[operator]


def test_each_signal_says_when_nothing_will_be_left(
    plan_of: MakePlan, snapshot: MakeSnapshot
) -> None:
    """A disk that fills steadily has a rate and an end; what is new has neither."""
    gauges, full = Gauges(plan_of()), 10_000_000
    for second in range(0, 600, 10):
        place = disk(capacity_bytes=full, available_bytes=full // 2 - 1000 * second)
        signal = the(gauges.look(at(snapshot(disks=[place]), 100.0 + second)), "disk")
        if second == 0:
            assert (signal.fill_per_s, signal.exhausted_in_s) == (None, None)
    assert signal.fill_per_s == pytest.approx(1000, rel=0.05)
    assert signal.exhausted_in_s == pytest.approx(signal.headroom / 1000, rel=0.05)
