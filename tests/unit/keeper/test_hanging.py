"""What is taken from snapshot, work file and plan to tell a hang."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from fake_world import FakeWorld, make

from podkeeper.loops.hanging import Hangs, rules_of
from podkeeper.loops.sight import Births, facts_of
from podkeeper.model.gpu import Gpu
from podkeeper.model.work import JobInHand
from podkeeper.policy.duty import Record

if TYPE_CHECKING:
    from podkeeper.policy.hang import Seen

TWO = ("webui.instances=2",)


def gpu(index: int, ratio: float | None) -> Gpu:
    """Return a GPU that is so busy."""
    return Gpu(
        index=index,
        name=None,
        memory_capacity_bytes=None,
        memory_used_bytes=None,
        utilization_ratio=ratio,
        temperature_celsius=None,
        power_watts=None,
    )


def seen(world: FakeWorld, name: str, gpus: list[Gpu] | None = None) -> Seen | None:
    """Return what is seen of a program with these GPUs."""
    sight = world.look()
    assert sight.snapshot is not None
    snapshot = msgspec.structs.replace(sight.snapshot, gpus=gpus)
    sight = type(sight)(sight.infos, snapshot, sight.now_s, sight.now_wall_s, sight.work)
    program = world.plan.program(name)
    facts = facts_of(sight, world.plan, program, Births())
    assert facts is not None
    return Hangs(world.plan)._seen(program, facts, Record(), sight)


@pytest.fixture
def world() -> FakeWorld:
    """Return a worker with two WebUIs, whose handler runs."""
    made = FakeWorld(make("run", *TWO))
    made.start("handler")
    return made


@pytest.mark.parametrize(
    ("gpus", "ratios"),
    [
        (None, (None, None)),
        ([], (None, None)),
        ([gpu(0, 0.5), gpu(1, 0.0)], (0.5, 0.0)),
        ([gpu(0, None), gpu(1, 0.7)], (None, 0.7)),
        ([gpu(5, 0.5)], (None, None)),
    ],
)
def test_each_of_several_webuis_has_its_own_gpu(
    world: FakeWorld, gpus: list[Gpu] | None, ratios: tuple[float | None, float | None]
) -> None:
    """Another WebUI's work says nothing of this one; what cannot be read is unknown."""
    for index, ratio in enumerate(ratios):
        found = seen(world, f"webui-{index}", gpus)
        assert found is not None
        assert found.signs.gpu_ratio == ratio


def test_one_webui_may_use_every_gpu() -> None:
    """The busiest one counts, whichever it is."""
    found = seen(FakeWorld(make()), "webui", [gpu(0, 0.1), gpu(1, 0.9), gpu(2, None)])
    assert found is not None
    assert found.signs.gpu_ratio == 0.9


def test_a_job_counts_for_the_webui_that_has_it(world: FakeWorld) -> None:
    """The other one is idle, and the handler has jobs in hand."""
    world.give_job("webui-1")
    first, second, handler = (seen(world, name) for name in ("webui-0", "webui-1", "handler"))
    assert first is not None
    assert second is not None
    assert handler is not None
    assert first.job is None
    assert second.job is not None
    assert (second.job.id, second.signs.moved_at_s) == ("job-1", world.now_s)
    assert handler.sign_of_life_s == world.now_s
    assert first.sign_of_life_s is None


def test_what_a_former_handler_had_in_hand_is_no_more(world: FakeWorld) -> None:
    """Its file lies there still; the one that runs now has not written yet."""
    world.give_job("webui-1")
    world.look()
    world.handler_writes = False
    world.die("handler", code=1)
    world.start("handler")
    found = seen(world, "webui-1")
    assert found is not None
    assert found.job is None


def test_the_job_that_moved_last_counts() -> None:
    """A WebUI that has two jobs is hung only if both stand still."""
    world = FakeWorld(make())
    world.start("handler")
    world.give_job()
    moved = msgspec.structs.replace(world.jobs["job-1"], id="job-2", moved_monotonic_s=50.0)
    assert isinstance(moved, JobInHand)
    world.jobs["job-2"] = moved
    world.programs["webui"].hung = True
    found = seen(world, "webui")
    assert found is not None
    assert found.job is not None
    assert found.job.id == "job-2"


def test_a_program_without_a_reading_is_not_judged(world: FakeWorld) -> None:
    """A snapshot of an earlier process says nothing of this one."""
    world.look()
    world.watchdog_alive = False
    world.die("webui-0", code=1)
    world.start("webui-0")
    assert seen(world, "webui-0") is None


def test_the_rules_come_from_the_settings() -> None:
    """Each role has those that make sense for it."""
    plan = make("run", "webui.liveness_kind=none", "handler.silence_s=44s")
    webui, handler, platform = (
        rules_of(plan, plan.program(name)) for name in ("webui", "handler", "platform")
    )
    assert webui.patience is None
    assert platform.patience is not None
    assert (webui.silence_s, handler.silence_s, handler.patience) == (None, 44.0, None)
