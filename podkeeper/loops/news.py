"""Is a snapshot worth looking at before the next tick?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.policy.pressure import of_word

if TYPE_CHECKING:
    from podkeeper.model.snapshot import Snapshot


def worth_a_hint(before: Snapshot | None, after: Snapshot) -> bool:
    """Return whether something has begun to wait, or need no longer wait, for the keeper.

    A readiness that changed lets a handler start; a pressure that rose wants to be answered.
    """
    if before is None:
        return True
    return _readiness(before) != _readiness(after) or _has_risen(before, after)


def _readiness(snapshot: Snapshot) -> list[tuple[str, int | None, bool | None]]:
    return [(each.name, each.pid, each.ready) for each in snapshot.programs]


def _has_risen(before: Snapshot, after: Snapshot) -> bool:
    known = {(each.kind, each.subject, each.pid): each.pressure for each in before.signals}
    return any(
        of_word(each.pressure) > of_word(known.get((each.kind, each.subject, each.pid), "calm"))
        for each in after.signals
    )
