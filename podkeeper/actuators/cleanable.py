"""What lies below the folders that may be cleaned?

Covers: from declared folders to candidates, with what each would give back and when it was used
last. Nothing is changed. Two sorts: single files (temporary files, outputs), and entries that go
whole or not at all (caches: half a package or half a model is worse than none). What is too young
to go is not even kept in mind.
Leaves out: which of them go (`podkeeper.policy.cleaning`), removing them
(`podkeeper.actuators.removal`).
"""

from __future__ import annotations

import math
import os
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podkeeper import beneath
from podkeeper.actuators.entries import Fault, Total, freed_by, look, mark, used_at_s, why
from podkeeper.policy.cleaning import Candidate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from podkeeper.actuators.budget import Budget
    from podkeeper.actuators.entries import Freed
    from podkeeper.actuators.inuse import Identity, InUse
    from podkeeper.policy.cleaning import Rule

#: Kinds whose entries go whole: each lies directly below the declared folder.
WHOLE = frozenset({"packages", "models"})
#: What is being removed has this name, in its old place: no longer used, not yet gone.
DOOMED = ".podkeeper-removed-"
#: Each level holds a descriptor open; caches and outputs have ten levels at most.
_DEEPEST = 40


@dataclass
class Found:
    """What lies there."""

    candidates: list[Candidate] = field(default_factory=list)
    #: Paths of candidates that somebody uses.
    protected: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)


class _Finder:
    """One look below declared folders of one kind."""

    def __init__(
        self, kind: str, in_use: InUse, kept: Collection[Identity], budget: Budget
    ) -> None:
        self._kind = kind
        self._in_use = in_use
        #: What was used after this instant is too young.
        self.youngest_s = math.inf
        self._kept = kept
        self._budget = budget
        self.found = Found()

    def fault(self, path: str, error: OSError) -> None:
        """Note what could not be looked at, unless it went by itself."""
        if not isinstance(error, FileNotFoundError):
            self.found.faults.append(Fault(path, why(error)))

    def keeps(self, folder: beneath.Folder) -> bool:
        """Return whether a folder stays with all in it."""
        return (folder.device, folder.inode) in self._kept

    def _entries(self, folder: beneath.Folder) -> Iterator[os.DirEntry[str]]:
        """Yield each entry as long as the budget lasts."""
        with os.scandir(folder.fd) as entries:
            for entry in entries:
                if not self._budget.left:
                    return
                yield entry

    def files(self, folder: beneath.Folder, path: str, depth: int = 0) -> None:
        """Find each regular file below a folder."""
        if self.keeps(folder) or depth > _DEEPEST:
            return
        folder.check_writable()
        for entry in self._entries(folder):
            below = f"{path}/{entry.name}"
            try:
                self._file_or_folder(folder, entry, below, depth)
            except OSError as error:
                self.fault(below, error)

    def _file_or_folder(
        self, folder: beneath.Folder, entry: os.DirEntry[str], path: str, depth: int
    ) -> None:
        found = look(entry)
        if found is None:
            return
        if stat.S_ISREG(found.st_mode):
            self._add_file(path, found)
        elif stat.S_ISDIR(found.st_mode):
            with folder.descend(entry.name) as deeper:
                self.files(deeper, path, depth + 1)

    def _add_file(self, path: str, found: os.stat_result) -> None:
        self._add(path, found, freed_by(found), used_at_s(found))
        if self._in_use.has(path, found):
            self.found.protected.add(path)

    def _add(self, path: str, found: os.stat_result, freed: Freed, used_s: float) -> None:
        if used_s <= self.youngest_s and self._budget.take():
            self.found.candidates.append(Candidate(path, self._kind, *freed, used_s, mark(found)))

    def whole(self, folder: beneath.Folder, path: str) -> None:
        """Find each entry directly below a folder."""
        if self.keeps(folder):
            return
        folder.check_writable()
        for entry in self._entries(folder):
            below = f"{path}/{entry.name}"
            try:
                found = look(entry)
                if found is not None and not entry.name.startswith(DOOMED):
                    self.entry(folder, entry.name, below, found)
            except OSError as error:  # one of which not all can be seen is no candidate
                self.fault(below, error)

    def entry(self, folder: beneath.Folder, name: str, path: str, found: os.stat_result) -> None:
        """Find one entry that goes whole.

        Raises:
            OSError: Not all of it can be seen or removed.
        """
        if stat.S_ISREG(found.st_mode):
            self._add_file(path, found)
        elif stat.S_ISDIR(found.st_mode):
            total = Total()
            total.add(found)
            with folder.descend(name) as below:
                self._add_up(below, path, total)
            # What was not seen to its end is not known.
            if self._budget.left:
                self._add(path, found, total.freed(), total.used_at_s)
            if total.protected:
                self.found.protected.add(path)

    def _add_up(self, folder: beneath.Folder, path: str, total: Total, depth: int = 0) -> None:
        """Add all below a folder to its total.

        Raises:
            OSError: Some of it cannot be seen or removed, or leads out.
        """
        folder.check_writable()
        total.protected = total.protected or self.keeps(folder) or depth > _DEEPEST
        for entry in self._entries(folder):
            found, below = look(entry), f"{path}/{entry.name}"
            if found is None:
                continue
            total.add(found)
            # A symlink counts too: its name tells what is loaded where the file's own is a hash.
            total.protected = total.protected or self._in_use.has(below, found)
            if stat.S_ISDIR(found.st_mode) and not total.protected:
                with folder.descend(entry.name) as deeper:
                    self._add_up(deeper, below, total, depth + 1)


def find(
    rule: Rule,
    in_use: InUse,
    budget: Budget,
    *,
    kept: Collection[Identity] = (),
    device: int | None = None,
) -> Found:
    """Return what lies below a rule's folders.

    Args:
        rule: The kind and its folders; those that are not there have nothing in them.
        in_use: What somebody uses.
        budget: How much may be looked at.
        kept: Folders that are passed over with all in them.
        device: The file system that matters; None for all.
    """
    finder = _Finder(rule.kind, in_use, kept, budget)
    finder.youngest_s = time.time() - rule.min_age_s
    walk = finder.whole if rule.kind in WHOLE else finder.files
    for path in rule.folders:
        try:
            with beneath.open_folder(path) as folder:
                if device in (None, folder.device):
                    walk(folder, path)
        except OSError as error:
            finder.fault(path, error)
    return finder.found


def is_as_found(candidate: Candidate, in_use: InUse, budget: Budget) -> bool:
    """Return whether an entry that goes whole is what it was, and nobody uses it.

    Raises:
        OSError: Not all of it can be seen any more.
    """
    folder_path, _, name = candidate.path.rpartition("/")
    finder = _Finder(candidate.kind, in_use, (), budget)
    with beneath.open_folder(folder_path) as folder:
        found = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
        finder.entry(folder, name, candidate.path, found)
    return finder.found.candidates == [candidate] and not finder.found.protected
