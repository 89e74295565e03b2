"""WebUIs asked to give memory back, while the keeper goes on."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from reclaim_standins import MIB, answer, until

from podkeeper.actuators.reclaim import Reclaims, reclaims
from podkeeper.actuators.reclaim_webui import Bounds
from podkeeper.policy.signals import Kind, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from reclaim_standins import Other

    from podkeeper.settings.plan import Plan

BOUNDS = Bounds(wait_s=0.05, timeout_s=20.0)
OF_RAM, OF_VRAM = Signal(Kind.PROGRAM_MEMORY, "webui"), Signal(Kind.VRAM, "0")


def outcome(made: Reclaims) -> tuple[Signal, str]:
    """Return what came of the one reclaim that is under way."""
    ((signal, said),) = until(made.finished)
    return signal, said


def test_only_memory_of_webuis_can_be_given_back(plan_of: Callable[..., Plan]) -> None:
    """Disks, processors and other programs are somebody else's."""
    made = reclaims(plan_of("webui.instances=2"))
    assert made.can(Signal(Kind.PROGRAM_MEMORY, "webui-1"), "webui-1")
    assert made.can(Signal(Kind.MEMORY), "")
    assert made.can(OF_VRAM, "webui-0")
    assert not made.can(Signal(Kind.PROGRAM_MEMORY, "handler"), "handler")
    assert not made.can(Signal(Kind.DISK, "/"), "")
    assert not made.can(Signal(Kind.OPEN_FILES, "webui-0"), "webui-0")


def test_the_keeper_never_waits(pretend: Callable[..., Other]) -> None:
    """Beginning returns at once; while it is on its way nothing new is begun, then it may be."""
    go = threading.Event()

    class Slow(dict[str, Any]):
        def get(self, _name: str, _default: Any = None) -> Any:
            """Answer when told to."""
            go.wait(60)
            return answer(MIB)

    webui = pretend()
    webui.answers = Slow()
    made = Reclaims({"webui": webui.base}, BOUNDS)
    made.begin(OF_RAM, "webui", 1.0, idle=True)
    made.begin(OF_VRAM, "webui", 1.0, idle=True)
    assert made.finished() == []
    go.set()
    assert outcome(made) == (
        OF_RAM,
        "webui: gave back 1MiB of RAM and 0B of video memory (release_allocator)",
    )
    assert len(webui.asked) == 1
    made.begin(OF_VRAM, "webui", 1.0, idle=True)
    assert outcome(made)[0] == OF_VRAM


def test_nobodys_shortage_asks_every_webui(pretend: Callable[..., Other]) -> None:
    """One after the other, each with its own outcome; none counts as idle."""
    one, two = pretend(reclaim=answer(MIB)), pretend()
    made = Reclaims({"webui-0": one.base, "webui-1": two.base}, BOUNDS)
    made.begin(OF_VRAM, "", None, idle=True)
    _, said = outcome(made)
    assert said.startswith("webui-0: gave back 1MiB of RAM")
    assert "; webui-1: nothing given back: it is not known to be idle" in said


@pytest.mark.parametrize("told", [[1], {"idle": True}, "no table"])
def test_nonsense_is_an_outcome_too(pretend: Callable[..., Other], told: Any) -> None:
    """Whatever is answered the keeper hears of it, and the next reclaim is possible."""
    made = Reclaims({"webui": pretend(reclaim=(200, told)).base}, BOUNDS)
    for _ in range(2):
        made.begin(OF_RAM, "webui", None, idle=True)
        assert "cannot reclaim: ValidationError" in outcome(made)[1]


def test_a_webui_that_is_gone_is_an_outcome_too(pretend: Callable[..., Other]) -> None:
    """Nothing is raised."""
    webui = pretend()
    webui.close()
    made = Reclaims({"webui": webui.base}, BOUNDS)
    made.begin(OF_RAM, "webui", None, idle=True)
    assert outcome(made) == (OF_RAM, "webui: no answer to reclaim: connection refused")
