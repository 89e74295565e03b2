"""Which states of a GPU are wrong as long as they last?

Covers: from one reading to whether each holds, is over, or neither; how long it must hold; what it
calls for. A new state is a function, named in `_STATES` and `CAUSES`.
Leaves out: what is remembered of them (`policy.gpu`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.gpu import Gpu

CAUSES = {
    "lost": Cause.GPU_LOST,
    "reset": Cause.GPU_RESET,
    "hot": Cause.GPU_HOT,
    "braked": Cause.GPU_POWER,
    "remap_pending": Cause.GPU_ECC,
    "remap_failed": Cause.GPU_ECC,
}
#: What the driver asks for where only a reset helps, which a container cannot do.
_RESETS = ("gpu_reset", "node_reboot", "drain_and_reset", "bus_reset", "system_reboot")
_THERMAL = ("sw_thermal_slowdown", "hw_thermal_slowdown")
_BRAKE = "hw_power_brake_slowdown"


@dataclass(frozen=True)
class Rules:
    """When a state holds, for how long it must, and what it calls for."""

    lost_grace_s: float
    #: Where a GPU that does not tell is taken to slow itself down.
    slowdown_celsius: float
    #: Distance from there below which it is hot, and above which it has cooled off.
    hot_margin_celsius: float
    hot_release_celsius: float
    hot_grace_s: float
    power_brake_grace_s: float
    remap_failure: Answer


@dataclass(frozen=True)
class State:
    """One state of one GPU at one instant."""

    name: str
    #: None where nobody knows.
    holds: bool | None
    #: Whether it has ended; between the lines it neither holds nor has ended.
    over: bool
    grace_s: float
    answer: Answer
    #: What it is, for people.
    sentence: str


def margin_celsius(gpu: Gpu, rules: Rules) -> float | None:
    """Return how far a GPU is from slowing itself down, by what it tells or is taken to do."""
    if gpu.slowdown_margin_celsius is not None:
        return gpu.slowdown_margin_celsius
    if gpu.temperature_celsius is None:
        return None
    return (gpu.slowdown_celsius or rules.slowdown_celsius) - gpu.temperature_celsius


def _plain(
    name: str, answer: Answer, sentence: str, *, holds: bool | None, grace_s: float = 0.0
) -> State:
    """Return a state without lines in between."""
    return State(name, holds, holds is False, grace_s, answer, sentence)


def _lost(gpu: Gpu, rules: Rules) -> State:
    sentence = "is lost: it has fallen off the bus, or cannot be reached otherwise"
    grace_s = rules.lost_grace_s
    return _plain("lost", Answer.REPLACE_WORKER, sentence, holds=gpu.lost, grace_s=grace_s)


def _reset(gpu: Gpu, rules: Rules) -> State:
    action = gpu.recovery_action
    holds = None if action is None else action in _RESETS
    sentence = f"can be used only after a reset, as its driver says ({action})"
    grace_s = rules.lost_grace_s
    return _plain("reset", Answer.REPLACE_WORKER, sentence, holds=holds, grace_s=grace_s)


def _hot(gpu: Gpu, rules: Rules) -> State:
    margin = margin_celsius(gpu, rules)
    slowed = next((each for each in _THERMAL if each in (gpu.clock_limits or ())), None)
    return State(
        name="hot",
        holds=True if slowed else (None if margin is None else margin < rules.hot_margin_celsius),
        over=slowed is None and margin is not None and margin > rules.hot_release_celsius,
        grace_s=rules.hot_grace_s,
        answer=Answer.NOTE,
        sentence=_heat(gpu.temperature_celsius, margin, slowed),
    )


def _heat(degrees: float | None, margin: float | None, slowed: str | None) -> str:
    parts = ["is hot"]
    parts += [] if degrees is None else [f"{degrees:g} degrees Celsius"]
    parts += [] if margin is None else [f"{margin:g} from slowing itself down"]
    parts += [f"slowed down by heat ({slowed})"] if slowed else []
    return ", ".join(parts)


def _braked(gpu: Gpu, rules: Rules) -> State:
    limits = gpu.clock_limits
    holds = None if limits is None else _BRAKE in limits
    sentence = "runs at half its clocks or less: its power supply asks for it (power brake)"
    grace_s = rules.power_brake_grace_s
    return _plain("braked", Answer.NOTE, sentence, holds=holds, grace_s=grace_s)


def _remap_pending(gpu: Gpu, _: Rules) -> State:
    sentence = "has a bad row of memory that is replaced at its next reset; work may go on"
    return _plain("remap_pending", Answer.NOTE, sentence, holds=gpu.health.remap_pending)


def _remap_failed(gpu: Gpu, rules: Rules) -> State:
    sentence = "has a bad row of memory that could not be replaced"
    return _plain("remap_failed", rules.remap_failure, sentence, holds=gpu.health.remap_failed)


_STATES = (_lost, _reset, _hot, _braked, _remap_pending, _remap_failed)


def states(gpu: Gpu, rules: Rules) -> Iterator[State]:
    """Yield every state of a GPU."""
    for state in _STATES:
        yield state(gpu, rules)


def gone(rules: Rules, *, certain: bool) -> Iterator[State]:
    """Yield the states of a GPU that the driver does not list any more.

    It is not certain while another is listed that tells no name: that may be it.
    """
    yield _plain(
        "lost",
        Answer.REPLACE_WORKER,
        "is gone: the driver does not list it any more",
        holds=True if certain else None,
        grace_s=rules.lost_grace_s,
    )
