"""What was found of a GPU, and what does it call for?"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podkeeper.policy.cause import Cause

Evidence = dict[str, float | int | str | None]


class Answer(IntEnum):
    """What a finding calls for; the order is the severity."""

    #: It is written down, and nothing is done.
    NOTE = 0
    #: The programs on the GPU are started anew.
    RESTART_PROGRAM = 1
    #: No more jobs are taken, and the platform is made to give another worker.
    REPLACE_WORKER = 2


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a GPU or its memory."""

    #: Its index; None where nobody said which.
    gpu: int | None
    cause: Cause
    answer: Answer
    #: What it is, for people; it follows the name of the GPU.
    sentence: str
    #: When it was seen, on the monotonic clock: what was started later is not to blame.
    at_s: float
    evidence: Evidence = field(default_factory=dict)
