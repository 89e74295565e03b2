"""What is remembered of each GPU, and what is found of it by one more reading?

Covers: which reading is of which GPU, since indexes move when one is gone; states that last; errors
of memory that rise.
Leaves out: which states there are (`policy.gpu_states`), reported errors (`policy.xid`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from podkeeper.policy import gpu_states
from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Answer, Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from podkeeper.model.gpu import Gpu
    from podkeeper.policy.gpu_states import State


@dataclass(frozen=True)
class Held:
    """What is remembered of one state of one GPU."""

    #: Since when it has held without a break; None while it does not.
    since_s: float | None = None
    #: What it called for when it was found; None before, and after it was over.
    told: Answer | None = None


@dataclass(frozen=True)
class Known:
    """What is remembered of one GPU."""

    index: int
    name: str | None = None
    states: dict[str, Held] = field(default_factory=dict)
    #: Errors that ECC could not put right, when they were last read.
    ecc_uncorrected: int | None = None


def key_of(gpu: Gpu, gpus: Sequence[Gpu], known: dict[str, Known]) -> str:
    """Return what a GPU is remembered by; one that tells no name now has the name it had."""
    if gpu.uuid is not None:
        return gpu.uuid
    others = {each.uuid for each in gpus}
    had = (key for key, each in known.items() if each.index == gpu.index and key not in others)
    return next(had, f"#{gpu.index}")


def look(
    before: dict[str, Known],
    gpus: Sequence[Gpu],
    at_s: float,
    rules: gpu_states.Rules,
    ecc: Answer,
) -> tuple[dict[str, Known], list[Finding]]:
    """Return what to remember of each GPU, those that are gone included, and what was found.

    Args:
        before: What is remembered of each, by `key_of`.
        gpus: What all that the driver lists say now.
        at_s: When they were read.
        rules: When a state is wrong.
        ecc: What memory errors call for that ECC could not put right.
    """
    after: dict[str, Known] = {}
    findings: list[Finding] = []
    for gpu in gpus:
        key = key_of(gpu, gpus, before)
        known = before.get(key, Known(gpu.index))
        known = replace(known, index=gpu.index, name=gpu.name or known.name)
        states = gpu_states.states(gpu, rules)
        after[key], found = _judge(known, states, at_s, _evidence(gpu))
        findings += [*found, *_risen(known, gpu, at_s, ecc)]
        if gpu.health.ecc_uncorrected is not None:
            after[key] = replace(after[key], ecc_uncorrected=gpu.health.ecc_uncorrected)
    for key, known in _unlisted(before, after):
        states = gpu_states.gone(rules, certain=not any(each.startswith("#") for each in after))
        after[key], found = _judge(known, states, at_s, {"uuid": key, "name": known.name})
        findings += found
    return after, findings


def _unlisted(before: dict[str, Known], after: dict[str, Known]) -> list[tuple[str, Known]]:
    """Return the GPUs that the driver has listed and does not list any more.

    Only those with a name for good: an index is another's when one before it is gone.
    """
    return [each for each in before.items() if each[0] not in after and not each[0].startswith("#")]


def _judge(
    known: Known, states: Iterable[State], at_s: float, evidence: Evidence
) -> tuple[Known, list[Finding]]:
    """Return what to remember of one GPU, and the states that have now lasted."""
    after, findings = dict(known.states), []
    for state in states:
        held, due = _hold(known.states.get(state.name, Held()), state, at_s)
        after[state.name] = held
        if due:
            lasted_s = 0.0 if held.since_s is None else round(at_s - held.since_s, 3)
            findings.append(
                Finding(
                    gpu=known.index,
                    cause=gpu_states.CAUSES[state.name],
                    answer=state.answer,
                    sentence=state.sentence,
                    at_s=at_s,
                    evidence={**evidence, "lasted_s": lasted_s},
                )
            )
    return replace(known, states=after), findings


def _hold(before: Held, state: State, at_s: float) -> tuple[Held, bool]:
    """Return what to remember of one state, and whether it is a finding now."""
    if state.holds is None:
        return before, False
    if not state.holds:
        # Between the lines: what was found is not over, what was not begins anew.
        return (Held() if state.over else replace(before, since_s=None)), False
    since_s = at_s if before.since_s is None else before.since_s
    due = before.told is None and at_s - since_s >= state.grace_s
    return Held(since_s, state.answer if due else before.told), due


def _risen(known: Known, gpu: Gpu, at_s: float, answer: Answer) -> Iterator[Finding]:
    """Yield that errors have risen which ECC could not put right, if they have."""
    before, count = known.ecc_uncorrected, gpu.health.ecc_uncorrected
    if before is None or count is None or count <= before:
        return
    yield Finding(
        gpu=gpu.index,
        cause=Cause.GPU_ECC,
        answer=answer,
        sentence=f"met memory errors that ECC could not put right: {count - before}",
        at_s=at_s,
        evidence={**_evidence(gpu), "ecc_uncorrected_before": before},
    )


def _evidence(gpu: Gpu) -> Evidence:
    limits = None if gpu.clock_limits is None else ", ".join(gpu.clock_limits) or "none"
    return {
        "uuid": gpu.uuid,
        "name": gpu.name,
        "error": gpu.error,
        "temperature_celsius": gpu.temperature_celsius,
        "slowdown_celsius": gpu.slowdown_celsius,
        "slowdown_margin_celsius": gpu.slowdown_margin_celsius,
        "clock_limits": limits,
        "power_watts": gpu.power_watts,
        "recovery_action": gpu.recovery_action,
        "ecc_uncorrected": gpu.health.ecc_uncorrected,
    }
