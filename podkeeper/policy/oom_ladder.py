"""What is done next for a job that ran out of memory?

From what costs nothing to what costs most: let go and try again, halve the batch, take the halves
of a step one after the other, approximate where that is allowed, load the model anew, restart the
WebUI, give up. A broken CUDA context is restarted at once. The steps are counted by themselves: a
job may die with its WebUI as often as before.

Covers: one step from what was done so far. Each rung but halving is taken once, and halving ends at
one image: every ladder ends.
Leaves out: doing it (`handler.making`), what counts as out of memory (`policy.oom_signs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from podkeeper.policy.batch_plan import smaller
from podkeeper.policy.oom_signs import Trouble
from podkeeper.policy.vram_cost import Decoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.vram import LadderRules
    from podkeeper.policy.batch_plan import Allowed
    from podkeeper.policy.vram_cost import Workload


class Step(StrEnum):
    """One rung. The value is the word in results and logs."""

    #: The WebUI empties torch's cache before it begins again.
    RETRY = "retry"
    HALVE = "halve_batch"
    #: Conditional and unconditional halves one after the other.
    APART = "halves_apart"
    #: Approximate decoding.
    APPROXIMATE = "approximate_vae"
    SHRINK = "smaller_hires"
    RELOAD = "reload_model"
    RESTART = "restart_webui"
    FAIL = "fail"


#: What only these do to a job's pictures is worth telling.
DEGRADING = (Step.APPROXIMATE, Step.SHRINK)


@dataclass(frozen=True)
class Permissions:
    """What may be done."""

    job: Allowed
    #: Whether somebody restarts the WebUI on request.
    restart: bool
    #: Whether the job was planned to fit, rather than tried in doubt: then something is wrong with
    #: the WebUI, and a restart is worth its time.
    sure: bool = True


def _rungs(
    trouble: Trouble, work: Workload, may: Permissions, rules: LadderRules
) -> Iterator[tuple[Step, bool]]:
    """Yield each rung in its order, and whether it could change anything."""
    vram, loaded = trouble is Trouble.VRAM, trouble is not Trouble.UNLOADED
    degrade = may.job.degrade
    yield Step.RETRY, loaded
    yield Step.HALVE, vram and may.job.split and work.batch > 1
    yield Step.APART, vram and work.together
    yield Step.APPROXIMATE, vram and degrade and work.decoder is Decoder.FULL
    yield Step.SHRINK, vram and degrade and smaller(work, rules.smaller_ratio) != work
    yield Step.RELOAD, vram or not loaded
    # Other troubles may be a job's own doing, and the keeper watches the host's memory itself.
    yield Step.RESTART, may.restart and vram and may.sure


def next_step(
    taken: tuple[Step, ...],
    trouble: Trouble,
    work: Workload,
    may: Permissions,
    rules: LadderRules,
) -> Step:
    """Return what to do next.

    Args:
        taken: The steps taken for this job so far.
        trouble: What its last attempt failed with.
        work: The form of that attempt.
        may: What is allowed.
        rules: How far to go.
    """
    if len(taken) >= rules.most_steps:
        return Step.FAIL
    if trouble is Trouble.STICKY:
        return Step.RESTART if may.restart and Step.RESTART not in taken else Step.FAIL
    for step, possible in _rungs(trouble, work, may, rules):
        if possible and (step is Step.HALVE or step not in taken):
            return step
    return Step.FAIL
