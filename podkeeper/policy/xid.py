"""What does an error mean that the driver has reported, and what does it call for?

Covers: NVIDIA's numbers (XIDs) with their meaning and answer, and which of those just heard of are
a new fault. The meanings are told after NVIDIA's catalogue, "Analyzing Xid Errors with the Xid
Catalog"; so are the answers but where a comment says otherwise. Where it asks for a reset of the
GPU or the machine, which a container cannot do, the answer is another worker.
Leaves out: hearing of them (`probes.gpu_events`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podkeeper.policy.cause import Cause
from podkeeper.policy.gpu_finding import Answer, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from podkeeper.model.gpu import Xid

_NOTE, _RESTART, _REPLACE = Answer.NOTE, Answer.RESTART_PROGRAM, Answer.REPLACE_WORKER


@dataclass(frozen=True)
class Meaning:
    """What one code means."""

    words: str
    #: None where nothing is made of it.
    answer: Answer | None


_STREAM = Meaning("commands to the GPU were invalid or corrupted", _RESTART)
_COPY = Meaning("a copy engine failed", _RESTART)
_VIDEO = Meaning("a video engine failed", _RESTART)
_JPEG = Meaning("a JPEG engine failed", _RESTART)
_FLOW = Meaning("an optical flow engine failed", _RESTART)
_FIRMWARE = Meaning("the driver's firmware met an error", _NOTE)
_ILLEGAL = Meaning("the driver made an illegal access", _NOTE)
_NVLINK5 = Meaning("an NVLink reported an error, which may be harmless", _NOTE)
_TEST = Meaning("a test message", None)
_RETIREMENT = Meaning("a channel was retired, or could not be", _NOTE)
_SMOOTHING = Meaning("power smoothing has changed or wears out", _NOTE)

CATALOGUE: dict[int, Meaning] = {
    8: Meaning("the GPU stopped processing", _RESTART),
    **dict.fromkeys((11, 25, 32), _STREAM),
    13: Meaning("a kernel went out of bounds or used an illegal instruction", _RESTART),
    14: Meaning("an error that was injected on purpose", None),
    31: Meaning("a kernel accessed memory at an illegal address", _RESTART),
    **dict.fromkeys((37, 38), _FIRMWARE),
    **dict.fromkeys((39, 40, 41, 70, 71, 72, 75, 76, 77, 85, *range(126, 136)), _COPY),
    # NVIDIA: ignore, the GPU is healthy. The program, though, has lost its CUDA context.
    43: Meaning("a fault of the program's own ended its work on the GPU", _RESTART),
    44: Meaning("the graphics engine met a fault while it changed contexts", _NOTE),
    # It follows every kill: to answer it with a restart would never end.
    45: Meaning("the work of a program that ended, or of an earlier error, was cleared away", None),
    46: Meaning("the GPU stopped processing and did not come back in time", _REPLACE),
    48: Meaning("an uncorrectable (double-bit) error of GPU memory", _REPLACE),
    54: Meaning("the GPU board gets no auxiliary power", _REPLACE),
    **dict.fromkeys((60, 68, 83, 84, 88, 89, 96, 97, 98, 142), _VIDEO),
    62: Meaning("the GPU's own micro-controller halted", _REPLACE),
    63: Meaning("a bad row or page of GPU memory was put aside", _NOTE),
    64: Meaning("a bad row or page of GPU memory could not be put aside", _REPLACE),
    **dict.fromkeys((66, 67), _ILLEGAL),
    69: Meaning("the graphics engine met an error of class", _RESTART),
    74: Meaning("an NVLink to another GPU or a switch failed", _REPLACE),
    79: Meaning("the GPU has fallen off the bus", _REPLACE),
    80: Meaning("data was corrupted on its way to the GPU", _RESTART),
    **dict.fromkeys((82, *range(99, 106)), _JPEG),
    **dict.fromkeys((86, 139), _FLOW),
    92: Meaning("single-bit errors of GPU memory are frequent", _NOTE),
    93: Meaning("the GPU's InfoROM has reached its wear limit", _NOTE),
    94: Meaning("an error of GPU memory that hit one program only", _RESTART),
    95: Meaning("an error of GPU memory that may have hit every program", _REPLACE),
    **dict.fromkeys((106, 107, 108), _TEST),
    # NVIDIA: reset. Kubernetes' device plugin takes it for a fault of the program; where that does
    # not help it comes back, and then the worker is replaced.
    109: Meaning("the GPU took too long to change contexts", _RESTART),
    110: Meaning("a security fault, mostly of hardware", _REPLACE),
    119: Meaning("the GPU's system processor did not answer in time", _REPLACE),
    120: Meaning("the GPU's system processor met an error", _REPLACE),
    121: Meaning("corrected errors on the link to the processor", _NOTE),
    136: Meaning("an NVLink could not be trained", _REPLACE),
    137: Meaning("a kernel made an illegal access through NVLink", _NOTE),
    140: Meaning("errors of GPU memory that the driver could not put aside", _REPLACE),
    141: Meaning("an error in a fast path of CUDA", _NOTE),
    143: Meaning("the GPU could not be initialised", _REPLACE),
    **dict.fromkeys((*range(144, 151), 155), _NVLINK5),
    151: Meaning("a key could not be rotated", _REPLACE),
    # The reading of the recovery action says which, and is judged for itself.
    154: Meaning("what is needed to recover the GPU has changed", _NOTE),
    156: Meaning("a part of the GPU was put aside; a reset is needed", _REPLACE),
    157: Meaning("a part of the GPU could not be put aside", _NOTE),
    158: Meaning("the GPU did not answer in time, for good", _REPLACE),
    **dict.fromkeys((160, 161), _RETIREMENT),
    **dict.fromkeys(range(162, 166), _SMOOTHING),
    168: Meaning("a protected region of GPU memory has errors", _NOTE),
    **dict.fromkeys((171, 172), Meaning("more of an uncorrectable error of GPU memory", _NOTE)),
}
_UNKNOWN = Meaning("an error that podkeeper does not know", _NOTE)


@dataclass(frozen=True)
class Rules:
    """What is made of errors."""

    #: Answers that are to be others than the catalogue's; None where nothing is made of a code.
    answers: dict[int, Answer | None] = field(default_factory=dict)
    #: How long further errors of a GPU belong to the one that was acted on.
    settle_s: float = 0.0
    #: Restarts for one GPU within the window at which the worker is replaced instead.
    repeats: int = 1
    repeat_window_s: float = 0.0


@dataclass(frozen=True)
class Told:
    """What was made of one GPU's errors."""

    at_s: float
    answer: Answer
    #: When programs were to be restarted, within the window.
    restarts_at_s: tuple[float, ...] = ()


def meaning(code: int, rules: Rules) -> Meaning:
    """Return what a code means here."""
    known = CATALOGUE.get(code, _UNKNOWN)
    return Meaning(known.words, rules.answers[code]) if code in rules.answers else known


def judge(
    before: dict[str, Told], fresh: Iterable[Xid], rules: Rules
) -> tuple[dict[str, Told], list[Finding]]:
    """Return what to remember, by GPU, and at most one finding for each from its new errors."""
    told, findings = dict(before), []
    by_gpu: dict[int | None, list[Xid]] = defaultdict(list)
    for each in fresh:
        by_gpu[each.gpu].append(each)
    for gpu, xids in by_gpu.items():
        finding = _finding(xids, told.get(str(gpu)), rules)
        if finding is not None:
            told[str(gpu)], found = finding
            findings.append(found)
    return told, findings


def _finding(xids: Sequence[Xid], before: Told | None, rules: Rules) -> tuple[Told, Finding] | None:
    """Return the worst of one GPU's new errors, or None where they are no new fault."""
    answers = {each.code: meaning(each.code, rules).answer for each in xids}
    worst = max((each for each in answers.values() if each is not None), default=None)
    if worst is None:
        return None
    first = next(each for each in xids if answers[each.code] == worst)
    at_s = first.at_monotonic_s
    if before is not None and worst <= before.answer and at_s - before.at_s < rules.settle_s:
        return None
    restarts = _restarts(before, worst, at_s, rules)
    again = worst == _RESTART and len(restarts) >= rules.repeats
    sentence = f"reported XID {first.code}: {meaning(first.code, rules).words}"
    if again:
        sentence += f", {len(restarts)} times within {rules.repeat_window_s:g} s"
    return Told(at_s, worst, restarts), Finding(
        gpu=first.gpu,
        cause=Cause.GPU_XID,
        answer=_REPLACE if again else worst,
        sentence=sentence,
        at_s=at_s,
        evidence={"xids": ", ".join(str(each.code) for each in xids), "restarts": len(restarts)},
    )


def _restarts(before: Told | None, worst: Answer, at_s: float, rules: Rules) -> tuple[float, ...]:
    """Return when programs were to be restarted within the window, this time included."""
    earlier = before.restarts_at_s if before is not None else ()
    kept = tuple(each for each in earlier if at_s - each < rules.repeat_window_s)
    return (*kept, at_s) if worst == _RESTART else kept
