"""How is a candidate removed, and nothing else?

Covers: getting there from the declared folder step by step, making sure that it still is what was
found, removing it, and what really came back. Folders that are left empty go too. A folder that
goes whole is first renamed, in one step: from then on nobody finds a half of it, and what a
deadline leaves over is finished the next time.
Leaves out: what goes (`podkeeper.policy.cleaning`).
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from podkeeper import beneath
from podkeeper.actuators.cleanable import DOOMED
from podkeeper.actuators.entries import Fault, Freed, freed_by, mark, why

if TYPE_CHECKING:
    from podkeeper.actuators.budget import Budget
    from podkeeper.policy.cleaning import Candidate


def _changed(path: str) -> OSError:
    return OSError(errno.EBUSY, "was used or replaced meanwhile", path)


def _look_again(parent: beneath.Folder, name: str, candidate: Candidate) -> os.stat_result:
    found = os.stat(name, dir_fd=parent.fd, follow_symlinks=False)
    if mark(found) != candidate.mark:
        raise _changed(candidate.path)
    return found


def _prune(folder: beneath.Folder, names: list[str]) -> int:
    """Remove folders that are empty, the deepest first, and return how many went."""
    for count in range(len(names)):
        above = names[: len(names) - count - 1]
        try:
            with folder.reach(above) as parent:
                os.rmdir(names[len(above)], dir_fd=parent.fd)
        except OSError:  # not empty, or not ours: it stays
            return count
    return len(names)


def remove_file(base: str, candidate: Candidate) -> Freed:
    """Remove a file below the folder at `base`, and return what came back.

    Raises:
        OSError: It cannot be reached or removed, or is no longer what was found.
    """
    *above, name = candidate.path.removeprefix(f"{base}/").split("/")
    with beneath.open_folder(base) as folder:
        with folder.reach(above) as parent:
            found = _look_again(parent, name, candidate)
            os.unlink(name, dir_fd=parent.fd)
        return freed_by(found).plus(Freed(0, _prune(folder, above)))


class Emptying:
    """Removes all in a folder, as far as the budget lasts, and notes what stays."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.faults: list[Fault] = []

    def entry(self, parent: beneath.Folder, name: str, path: str) -> Freed:
        """Remove an entry with all in it and return what came back."""
        try:
            found = os.stat(name, dir_fd=parent.fd, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return self._folder(parent, name, path)
            os.unlink(name, dir_fd=parent.fd)
            return freed_by(found)
        except OSError as error:
            self._fault(path, error)
            return Freed()

    def _folder(self, parent: beneath.Folder, name: str, path: str) -> Freed:
        with parent.descend(name) as folder:
            own = os.fstat(folder.fd)
            freed = self._all_in(folder, path)
        if not self._budget.left:
            return freed
        try:
            os.rmdir(name, dir_fd=parent.fd)
        except OSError as error:
            self._fault(path, error)
            return freed
        return freed.plus(freed_by(own))

    def _fault(self, path: str, error: OSError) -> None:
        # Of a folder that is not empty the fault is told by what is still in it.
        if not isinstance(error, FileNotFoundError) and error.errno != errno.ENOTEMPTY:
            self.faults.append(Fault(path, why(error)))

    def _all_in(self, folder: beneath.Folder, path: str) -> Freed:
        freed = Freed()
        with os.scandir(folder.fd) as entries:
            for entry in entries:
                if not self._budget.left:
                    break
                freed = freed.plus(self.entry(folder, entry.name, f"{path}/{entry.name}"))
        return freed


def remove_whole(candidate: Candidate, budget: Budget) -> tuple[Freed, list[Fault]]:
    """Remove an entry directly below a declared folder, and return what came back and stayed.

    Raises:
        OSError: It cannot be reached or renamed, or is no longer what was found; all of it stays.
    """
    base, _, name = candidate.path.rpartition("/")
    with beneath.open_folder(base) as folder:
        found = _look_again(folder, name, candidate)
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=folder.fd)
            return freed_by(found), []
        with folder.descend(name):  # refuses what leads out before anything is touched
            doomed = f"{DOOMED}{found.st_ino}"
            os.rename(name, doomed, src_dir_fd=folder.fd, dst_dir_fd=folder.fd)
        emptying = Emptying(budget)
        return emptying.entry(folder, doomed, candidate.path), emptying.faults


def finish(base: str, device: int, budget: Budget) -> tuple[Freed, list[Fault]]:
    """Remove what an earlier removal below the folder at `base` has left over.

    Only where that folder lies on the device.

    Raises:
        OSError: The folder cannot be reached.
    """
    freed, emptying = Freed(), Emptying(budget)
    with beneath.open_folder(base) as folder:
        names = os.listdir(folder.fd) if folder.device == device else []  # noqa: PTH208 - a descriptor
        for name in names:
            if name.startswith(DOOMED):
                freed = freed.plus(emptying.entry(folder, name, f"{base}/{name}"))
    return freed, emptying.faults
