"""What must hold for every job, whatever has befallen it?

Covers: one end at the platform, the right one; nothing delivered twice; the same seed in every
attempt. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Events that end a job at the platform.
_ENDS = ("done", "cancelled", "timed_out", "gave_up", "expired")
#: Events after which the platform may ignore a result, and ask for it again.
_ASKED_AGAIN = ("requeued", "granted_again")
_PLAIN = ("COMPLETED", "CANCELLED", "TIMED_OUT")


def judge(story: dict[str, Any], ends: str, seeds: Sequence[int], *, unanswered: bool) -> list[str]:
    """Return what is wrong with a job.

    Args:
        story: What the platform knows of it.
        ends: The status, or the code of the error, that the client must get.
        seeds: The seed of each attempt at a WebUI.
        unanswered: Whether the platform kept an answer to a result to itself.
    """
    kinds = [str(each["kind"]) for each in story["events"]]
    told = " ".join(kind for kind in kinds if kind not in ("progress", "late_progress"))
    found = []
    if [kind in _ENDS for kind in kinds].count(True) != 1:
        found.append("it has not ended exactly once")
    status, error = str(story["status"]), str(story.get("error") or "")
    if (status if ends in _PLAIN else error.partition(":")[0]) != ends:
        found.append(f"it ended as {status} {error}, not as {ends}")
    # A second delivery is nobody's fault only where the first one was not acknowledged, or where
    # the platform has asked once more.
    excused = unanswered or any(kind in _ASKED_AGAIN for kind in kinds)
    if "duplicate" in kinds and not excused:
        found.append("its result was delivered twice")
    if len(set(seeds)) > 1:
        found.append(f"its attempts had different seeds: {sorted(set(seeds))}")
    return [f"job {story['id']}: {each} ({told})" for each in found]
