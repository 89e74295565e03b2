"""How is one step of making room on a disk taken?

Covers: finding what may go, removing it in its order until the need is met, and what came of it.
Leaves out: what may go first (`podkeeper.policy.cleaning`), the single removal
(`podkeeper.actuators.removal`), steps beside the keeper (`podkeeper.actuators.disk`).
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podkeeper.actuators import cleanable, inuse, removal
from podkeeper.actuators.cleaned import Cleaned, Removed
from podkeeper.actuators.entries import Fault, Freed, why
from podkeeper.policy import cleaning

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from podkeeper.actuators.budget import Budget
    from podkeeper.actuators.inuse import Identity
    from podkeeper.policy.cleaning import Candidate, Need, Rule

_MOST_FAULTS = 100


@dataclass(frozen=True)
class Task:
    """One step: where room is needed, how much, and what must stay."""

    #: Any path on the file system that lacks room.
    path: str
    need: Need
    #: Names or paths of the checkpoints that WebUIs have loaded.
    loaded: Collection[str] = ()
    #: Processes that must be looked into: otherwise nobody knows what they use.
    ours: Collection[int] = ()


def identities(paths: Iterable[str]) -> frozenset[Identity]:
    """Return by what the kernel knows those folders that are there."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError):
            seen = os.stat(path)  # noqa: PTH116 - beside other calls by descriptor
            found.add((seen.st_dev, seen.st_ino))
    return frozenset(found)


class Step:
    """One step on its way."""

    def __init__(
        self, task: Task, rules: Sequence[Rule], kept: frozenset[Identity], budget: Budget
    ) -> None:
        self._task = task
        self._rules = rules
        self._kept = kept
        self._budget = budget
        self._left = task.need
        self._removed: list[Removed] = []
        self._faults: list[Fault] = []
        self._failed = 0
        #: Why not all was looked at.
        self._cut = ""

    def _outcome(self, ended: str = "") -> Cleaned:
        return Cleaned(
            tuple(self._removed),
            tuple(self._faults),
            self._failed,
            self._left.met,
            ended or self._budget.spent or self._cut,
        )

    def go(self) -> Cleaned:
        """Remove what is to go and return what came of it."""
        try:
            device = os.stat(self._task.path).st_dev  # noqa: PTH116 - as above
            in_use = inuse.look(self._task.loaded)
        except OSError as error:
            return self._outcome(f"cannot look at {error.filename}: {why(error)}")
        hidden = sorted(in_use.unseen.intersection(self._task.ours))
        if hidden:
            return self._outcome(f"cannot see what process {hidden[0]} has open")
        for rule in self._rules:
            if self._is_over():
                break
            self._finish(rule, device)
            search = self._budget.half()
            found = cleanable.find(rule, in_use, search, kept=self._kept, device=device)
            self._cut = self._cut or search.spent
            self._fail(found.faults)
            self._remove_all(rule, found)
        return self._outcome()

    def _is_over(self) -> bool:
        return self._left.met or not self._budget.left

    def _fail(self, faults: Sequence[Fault]) -> None:
        self._failed += len(faults)
        self._faults.extend(faults[: _MOST_FAULTS - len(self._faults)])

    def _note(self, path: str, kind: str, freed: Freed) -> None:
        self._removed.append(Removed(path, kind, *freed))
        self._left = self._left.less(*freed)

    def _finish(self, rule: Rule, device: int) -> None:
        """Remove what earlier steps have left over of entries that go whole."""
        for folder in rule.folders if rule.kind in cleanable.WHOLE else ():
            with contextlib.suppress(OSError):  # `find` tells of it
                freed, faults = removal.finish(folder, device, self._budget)
                self._fail(faults)
                if freed.inodes:
                    self._note(f"{folder}/{cleanable.DOOMED}*", rule.kind, freed)

    def _remove_all(self, rule: Rule, found: cleanable.Found) -> None:
        """Remove until the need is met; where something stays, the next one goes instead."""
        waiting = {each.path: each for each in found.candidates}
        while not self._is_over():
            chosen = cleaning.choose(
                waiting.values(), [rule], self._left, found.protected, time.time()
            )
            for each in chosen:
                if self._is_over():
                    return
                del waiting[each.path]
                self._remove(rule, each)
            if not chosen:
                return

    def _remove(self, rule: Rule, each: Candidate) -> None:
        try:
            if rule.kind in cleanable.WHOLE:
                self._remove_whole(each)
            else:
                base = next(base for base in rule.folders if each.path.startswith(f"{base}/"))
                self._note(each.path, each.kind, removal.remove_file(base, each))
        except FileNotFoundError:
            return  # it went by itself
        except OSError as error:
            self._fail([Fault(each.path, why(error))])

    def _remove_whole(self, each: Candidate) -> None:
        """Remove an entry that goes whole, unless somebody has begun to use it since the look.

        They are few, and a model takes minutes to come back: each is worth another look.
        """
        if not cleanable.is_as_found(each, inuse.look(self._task.loaded), self._budget.half()):
            if self._budget.left:
                self._fail([Fault(each.path, "was used or replaced meanwhile")])
            return
        freed, faults = removal.remove_whole(each, self._budget)
        self._note(each.path, each.kind, freed)
        self._fail(faults)
