"""What is wrong with the GPUs?

Covers: from readings and reported errors to findings, each once. A state that lasts (lost, hot, a
row that cannot be replaced) is found once it has lasted, and again only after it was over.
Time passes here from one snapshot to the next. Unknown readings change nothing.
Leaves out: what is remembered of one GPU (`policy.gpu_known`) and which states there are
(`policy.gpu_states`), what a reported error means (`policy.xid`), memory that is not given back
(`policy.vram`), acting on it (`podkeeper.loops`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podkeeper.policy import gpu_known, gpu_states, xid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.model.gpu import Gpu, Xid
    from podkeeper.policy.cause import Cause
    from podkeeper.policy.gpu_finding import Answer, Finding


@dataclass(frozen=True)
class Rules:
    """When something is wrong with a GPU, and what it calls for."""

    states: gpu_states.Rules
    xids: xid.Rules
    #: When errors have risen that ECC could not put right.
    ecc: Answer


@dataclass(frozen=True)
class Seen:
    """What one snapshot says of the GPUs."""

    #: When it was taken, on the monotonic clock.
    at_s: float
    #: None where nobody knows.
    gpus: Sequence[Gpu] | None
    xids: Sequence[Xid] = ()
    #: Who numbered the errors.
    watchdog_pid: int = 0


@dataclass(frozen=True)
class GpuStanding:
    """What is remembered of all GPUs between two snapshots of one start."""

    at_s: float | None = None
    #: The last error that was judged, and who numbered it.
    watchdog_pid: int = 0
    xid_sequence: int = 0
    #: By the name for good, or by the index where it has told none.
    gpus: dict[str, gpu_known.Known] = field(default_factory=dict)
    #: What was made of reported errors, by index.
    told: dict[str, xid.Told] = field(default_factory=dict)


def judge(before: GpuStanding, seen: Seen, rules: Rules) -> tuple[GpuStanding, list[Finding]]:
    """Return what to remember, and what was found; one snapshot is judged once."""
    if seen.at_s == before.at_s:
        return before, []
    last = before.xid_sequence if seen.watchdog_pid == before.watchdog_pid else 0
    fresh = [each for each in seen.xids if each.sequence > last]
    told, findings = xid.judge(before.told, fresh, rules.xids)
    gpus = before.gpus
    if seen.gpus is not None:
        gpus, found = gpu_known.look(before.gpus, seen.gpus, seen.at_s, rules.states, rules.ecc)
        findings += found
    last = max((each.sequence for each in fresh), default=last)
    return GpuStanding(seen.at_s, seen.watchdog_pid, last, gpus, told), findings


def holding(standing: GpuStanding) -> dict[tuple[int, Cause], Answer]:
    """Return what was found and is not over, by GPU and cause, with what it called for."""
    found: dict[tuple[int, Cause], Answer] = {}
    for known in standing.gpus.values():
        for name, held in known.states.items():
            if held.told is not None:
                key = known.index, gpu_states.CAUSES[name]
                found[key] = max(held.told, found.get(key, held.told))
    return found
