"""The looks between two snapshots, on a /proc of files and a clock that is stepped."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from podkeeper.loops.fastlane import FastLane
from podkeeper.model.signal import SignalReading
from podkeeper.policy.pace import Rates

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MIB = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
#: A hundred MiB a second at the fastest; at most one look in 20 ms; any cost.
RATES = Rates(fill_bytes_per_s=100 * MIB, shortest_s=0.02, cpu_ratio=1.0)


class Machine:
    """Processes that hold memory, a container, and a clock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now_s = 50.0
        self.used_bytes: int | None = 0
        self.reads = 0
        self.lane = FastLane(RATES, {"webui"}, self.working_set, root, lambda: self.now_s)

    def hold(self, pid: int, anonymous_bytes: int, shared_bytes: int = 0) -> None:
        """Let a process hold memory."""
        pages, shared = anonymous_bytes // PAGE_BYTES, shared_bytes // PAGE_BYTES
        path = self.root / "proc" / str(pid) / "statm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"999999 {pages + shared} {shared} 1 0 1 0\n")

    def end(self, pid: int) -> None:
        """Let a process end."""
        (self.root / "proc" / str(pid) / "statm").unlink()

    def working_set(self) -> int | None:
        """Return what the container holds."""
        self.reads += 1
        return self.used_bytes

    def aim(self, *signals: SignalReading, webui: Collection[int] = (7,)) -> None:
        """Take a snapshot now."""
        self.lane.aim(signals, {"webui": webui, "handler": (8,)}, self.now_s)

    def pass_by(self, span_s: float) -> None:
        """Let time pass."""
        self.now_s += span_s


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine whose WebUI is process 7 and holds nothing."""
    made = Machine(tmp_path)
    made.hold(7, 0)
    return made


def of_program(left: float, pressure: str = "calm", subject: str = "webui") -> SignalReading:
    """Return a program's signal of a hundred MiB: hard at 0, critical at 10 MiB above."""
    return SignalReading(
        kind="program_memory",
        subject=subject,
        pid=7,
        headroom=left,
        capacity=100 * MIB,
        pressure=pressure,
        soft=20 * MIB,
        hard=0,
        critical=-10 * MIB,
    )


def of_container(left: float | None, pressure: str = "calm") -> SignalReading:
    """Return the container's signal of a GiB: hard below 50 MiB."""
    return SignalReading(
        kind="memory",
        subject="",
        headroom=left,
        capacity=1024 * MIB,
        pressure=pressure,
        hard=50 * MIB,
        critical=20 * MIB,
    )


def test_only_webuis_and_the_container_are_looked_at(machine: Machine) -> None:
    """Whatever else runs out does so too slowly, or is bounded by the container."""
    disk = SignalReading(kind="disk", subject="/", headroom=0, capacity=10, hard=1)
    machine.aim(of_program(0, subject="handler"), disk)
    assert machine.lane.pause_s() is None
    assert not machine.lane.crossed()
    machine.aim(of_program(50 * MIB))
    assert machine.lane.pause_s() == pytest.approx(0.5)
    machine.aim(of_container(150 * MIB))
    assert machine.lane.pause_s() == pytest.approx(1.0)


def test_the_pause_comes_from_the_nearest_line_and_the_time_since(machine: Machine) -> None:
    """It is counted from the snapshot, and never shorter than the shortest."""
    machine.aim(of_program(50 * MIB), of_container(1000 * MIB))
    machine.pass_by(0.1)
    assert machine.lane.pause_s() == pytest.approx(0.4)
    machine.pass_by(0.399)
    assert machine.lane.pause_s() == pytest.approx(RATES.shortest_s)


def test_what_is_far_away_is_not_read(machine: Machine) -> None:
    """A look costs what is near, not what there is."""
    machine.hold(7, 50 * MIB)
    machine.aim(of_program(50 * MIB), of_container(1000 * MIB))
    machine.hold(7, 60 * MIB)
    machine.pass_by(0.5)
    assert not machine.lane.crossed()
    assert machine.reads == 0
    machine.pass_by(9.0)
    assert not machine.lane.crossed()
    assert machine.reads == 1


def test_each_line_is_told_once(machine: Machine) -> None:
    """Beyond the hard line only the critical one counts, and beyond that none."""
    machine.hold(7, 95 * MIB)
    machine.aim(of_program(5 * MIB))
    machine.pass_by(0.1)
    machine.hold(7, 101 * MIB)
    assert machine.lane.crossed()
    machine.aim(of_program(-1 * MIB, "hard"))
    machine.pass_by(0.1)
    assert not machine.lane.crossed()
    machine.hold(7, 111 * MIB)
    machine.pass_by(0.1)
    assert machine.lane.crossed()
    machine.aim(of_program(-11 * MIB, "critical"))
    assert machine.lane.pause_s() is None
    assert not machine.lane.crossed()


def test_the_containers_line_counts_too(machine: Machine) -> None:
    """Whoever fills it."""
    machine.aim(of_container(60 * MIB))
    machine.used_bytes = (1024 - 51) * MIB
    machine.pass_by(0.1)
    assert not machine.lane.crossed()
    machine.used_bytes = (1024 - 49) * MIB
    machine.pass_by(0.1)
    assert machine.lane.crossed()


def test_what_rises_fast_is_looked_at_in_step_with_it(machine: Machine) -> None:
    """The next look comes when the line is met at the rate just seen, also after a snapshot."""
    machine.hold(7, 80 * MIB)
    machine.aim(of_program(20 * MIB))
    machine.pass_by(0.2)
    machine.hold(7, 98 * MIB)
    assert not machine.lane.crossed()
    assert machine.lane.pause_s() == pytest.approx(2 / 90, abs=0.003)
    machine.pass_by(0.015)
    assert machine.lane.pause_s() == pytest.approx(2 / 90 - 0.015, abs=0.003)
    machine.aim(of_program(0.5 * MIB))
    assert machine.lane.pause_s() == pytest.approx(0.5 / 90, abs=0.003)


def test_what_rests_near_its_line_is_looked_at_no_more_often_than_set(machine: Machine) -> None:
    """A program that lives close to its limit costs no more for it."""
    machine.hold(7, 99 * MIB)
    machine.aim(of_program(1 * MIB))
    for _ in range(3):
        assert machine.lane.pause_s() == RATES.shortest_s
        machine.pass_by(RATES.shortest_s)
        assert not machine.lane.crossed()


def test_all_processes_of_a_webui_count(machine: Machine) -> None:
    """One that has ended counts no longer, and one that cannot be read is no crossing."""
    machine.hold(7, 40 * MIB)
    machine.hold(9, 50 * MIB)
    machine.aim(of_program(10 * MIB), webui=(7, 9))
    machine.hold(9, 61 * MIB)
    machine.pass_by(0.2)
    assert machine.lane.crossed()
    machine.end(9)
    machine.pass_by(0.2)
    machine.aim(of_program(60 * MIB))
    assert not machine.lane.crossed()
    machine.end(7)
    machine.pass_by(5)
    assert not machine.lane.crossed()


def test_what_has_no_fast_reading_counts_as_it_was(machine: Machine) -> None:
    """Shared memory and swap are in the snapshot, and what comes on top of them is seen."""
    machine.hold(7, 20 * MIB, shared_bytes=70 * MIB)
    machine.aim(of_program(10 * MIB))
    machine.pass_by(0.1)
    assert not machine.lane.crossed()
    machine.hold(7, 31 * MIB, shared_bytes=70 * MIB)
    machine.pass_by(0.1)
    assert machine.lane.crossed()


def test_a_blind_container_is_no_crossing(machine: Machine) -> None:
    """What cannot be read stays as it was; what had no reading at all is not looked at."""
    machine.aim(of_container(60 * MIB))
    machine.used_bytes = None
    machine.pass_by(1)
    assert not machine.lane.crossed()
    machine.aim(of_container(None, "hard"))
    assert machine.lane.pause_s() is None


def test_an_alarm_that_the_snapshot_does_not_bear_out_is_not_trusted_again(
    machine: Machine,
) -> None:
    """Where fast readings are off a snapshot follows a snapshot only after a pause."""
    machine.hold(7, 95 * MIB)
    machine.aim(of_program(5 * MIB))
    machine.hold(7, 101 * MIB)
    machine.pass_by(0.1)
    assert machine.lane.crossed()
    assert machine.lane.trusted
    machine.aim(of_program(5 * MIB))
    assert not machine.lane.trusted
    machine.aim(of_program(5 * MIB))
    assert machine.lane.trusted
    machine.hold(7, 115 * MIB)
    machine.pass_by(0.1)
    assert machine.lane.crossed()
    machine.aim(of_program(-9 * MIB, "hard"))
    assert machine.lane.trusted
