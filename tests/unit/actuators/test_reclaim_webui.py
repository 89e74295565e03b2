"""One WebUI that is asked to give memory back, with the extension and without."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from reclaim_standins import MIB, answer, until

from podkeeper.actuators.reclaim_webui import Bounds, Wanted, relieve

if TYPE_CHECKING:
    from collections.abc import Callable

    from reclaim_standins import Other, Sim

RAM = Wanted(vram=False, missing_bytes=1, idle=True)
VRAM = Wanted(vram=True, missing_bytes=1, idle=True)
BOUNDS = Bounds(wait_s=0.05, timeout_s=20.0)


def test_what_is_kept_for_later_is_given_back(simulate: Callable[..., Sim]) -> None:
    """The outcome says how much of what, and by which steps."""
    sim = simulate(faults=["cache:bytes=33554432"])
    assert sim.job() == 200
    said = relieve(sim.base, RAM, BOUNDS)
    assert said.startswith("gave back 32MiB of RAM and 0B of video memory (collect_garbage, ")
    assert sim.world.ram.cached_bytes == 0


def test_spare_checkpoints_go_only_where_caches_are_not_enough(
    simulate: Callable[..., Sim],
) -> None:
    """They cost a load the next time they are asked for."""
    sim = simulate(faults=["cache:bytes=33554432"])
    sim.world.options.set("sd_checkpoints_limit", 2)
    override = {"sd_model_checkpoint": "simulatedSD15b"}
    assert sim.job(override_settings=override) == 200
    relieve(sim.base, RAM._replace(missing_bytes=16 * MIB), BOUNDS)
    assert len(sim.world.models.spare) == 1
    said = relieve(sim.base, RAM._replace(missing_bytes=1000 * MIB), BOUNDS)
    assert sim.world.models.spare == []
    assert said.startswith("gave back 2.08GiB of RAM")
    assert "drop_checkpoints" in said


def test_nothing_is_taken_from_a_webui_at_work(simulate: Callable[..., Sim]) -> None:
    """Its job is left alone; the outcome says what was waited for."""
    sim = simulate(faults=["hang", "cache"])
    job = threading.Thread(target=sim.job)
    job.start()
    until(lambda: sim.world.progress.ratio >= 0.5)
    said = relieve(sim.base, RAM._replace(missing_bytes=1000 * MIB), BOUNDS)
    assert said == "nothing given back: a job held the queue for 0.05 s"
    sim.world.faults.switch({"hang": None})
    job.join()


def test_without_the_extension_the_checkpoint_goes_off_and_on(simulate: Callable[..., Sim]) -> None:
    """Torch's cache goes with it, the weights are back on the card, and the next job works."""
    sim = simulate(extension=False)
    said = relieve(sim.base, VRAM, BOUNDS)
    assert said.startswith("gave back 0B of video memory (checkpoint off the GPU and on again, ")
    assert sim.world.models.on_card
    assert sim.job() == 200


def test_without_the_extension_no_ram_is_asked_for(pretend: Callable[..., Other]) -> None:
    """A1111 by itself gives none back: its checkpoint is left where it is."""
    webui = pretend()
    assert relieve(webui.base, RAM, BOUNDS).endswith("a WebUI gives back no RAM")
    assert webui.names == ["reclaim"]


@pytest.mark.parametrize(
    ("idle", "job", "asked"),
    [(False, "", ["reclaim"]), (True, "scripts_txt2img", ["reclaim", "progress"])],
)
def test_without_the_extension_a_webui_that_may_work_is_left_alone(
    pretend: Callable[..., Other], *, idle: bool, job: str, asked: list[str]
) -> None:
    """Its routes wait for no job: it must be known to be idle, and say so itself."""
    webui = pretend(progress=(200, {"state": {"job": job}}))
    said = relieve(webui.base, VRAM._replace(idle=idle), BOUNDS)
    assert said.startswith("nothing given back: ")
    assert webui.names == asked


IDLE = {"progress": (200, {"state": {"job": ""}})}
OK = (200, {})


def test_a_checkpoint_that_may_be_off_is_put_back(pretend: Callable[..., Other]) -> None:
    """Whatever came of taking it off, and again where putting it back fails at first."""
    webui = pretend(**IDLE, unload_checkpoint=(500, {}), reload_checkpoint=OK)
    said = relieve(webui.base, VRAM, BOUNDS)
    assert "cannot take the checkpoint off the GPU: 500" in said
    assert webui.names[-1] == "reload-checkpoint"
    webui = pretend(**IDLE, unload_checkpoint=OK, reload_checkpoint=(500, {}))
    said = relieve(webui.base, VRAM, BOUNDS)
    assert said.startswith("took the checkpoint off the GPU and cannot put it back: 500")
    assert webui.names.count("reload-checkpoint") == 3


def test_what_was_freed_of_the_card_is_measured(pretend: Callable[..., Other]) -> None:
    """The figure is that of A1111's own counters, before and after."""
    sizes = iter([9000 * MIB, 2000 * MIB])

    class Falling(dict[str, Any]):
        def get(self, name: str, default: Any = None) -> Any:
            """Answer with less memory each time."""
            if name == "memory":
                told = {"cuda": {"reserved": {"current": next(sizes)}}, "ram": {}}
                return 200, told
            return super().get(name, default)

    webui = pretend()
    webui.answers = Falling(
        {**IDLE, "unload-checkpoint": OK, "reload-checkpoint": OK},
    )
    assert relieve(webui.base, VRAM, BOUNDS).startswith("gave back 6.836GiB of video memory")


def test_steps_that_were_not_possible_are_named(pretend: Callable[..., Other]) -> None:
    """With why; figures that are unknown are not made up."""
    status, told = answer(5 * MIB, None)
    step = {"name": "empty_cuda_cache", "done": False, "detail": "CUDA is not in use yet"}
    told["steps"].append(step)
    webui = pretend(reclaim=(status, told))
    assert relieve(webui.base, RAM, BOUNDS) == (
        "gave back 5MiB of RAM; empty_cuda_cache left out: CUDA is not in use yet "
        "(release_allocator)"
    )
    assert webui.asked == [("reclaim", {"wait_s": 0.05, "drop_checkpoints": False})]


def test_how_much_is_wanted_decides_how_far_it_goes(pretend: Callable[..., Other]) -> None:
    """Each unit for itself; where it is not known the mildest is enough."""
    for wanted, asked in (
        (RAM._replace(missing_bytes=6 * MIB), 2),
        (RAM._replace(missing_bytes=5 * MIB), 1),
        (VRAM._replace(missing_bytes=5 * MIB), 2),
        (RAM._replace(missing_bytes=None), 1),
    ):
        webui = pretend(reclaim=answer(5 * MIB, 0))
        relieve(webui.base, wanted, BOUNDS)
        assert len(webui.asked) == asked


def test_a_second_question_without_an_answer_keeps_what_the_first_brought(
    pretend: Callable[..., Other],
) -> None:
    """What is known is told, and what is not, too."""
    webui = pretend(reclaim=(409, {"error": "a reclaim is under way"}))
    assert relieve(webui.base, RAM, BOUNDS) == "no answer to reclaim: 409 Conflict"
