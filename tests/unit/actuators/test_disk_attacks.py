"""Whoever fills the folders that are cleaned wants something else to go."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from podkeeper.actuators import cleanable, inuse, removal
from podkeeper.actuators.budget import Budget
from podkeeper.actuators.entries import mark
from podkeeper.policy.cleaning import Candidate, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOMEBODY = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def budget() -> Budget:
    """Return more than enough."""
    return Budget(10_000, time.monotonic() + 60)


def only(disk, kind: str = "outputs") -> Candidate:
    """Return the one candidate in the place."""
    (found,) = cleanable.find(
        Rule(kind, (str(disk.place),), 0.0), inuse.InUse(), budget()
    ).candidates
    return found


def test_symlinks_are_neither_followed_nor_removed(disk) -> None:
    """One to a folder and one to a file beside the place lead nowhere."""
    (disk.place / "folder").symlink_to(disk.victim)
    (disk.place / "file").symlink_to(disk.victim / "precious")
    disk.file("old")
    cleaned = disk.clean()
    assert [each.path for each in cleaned.removed] == [f"{disk.place}/old"]
    assert disk.left() == {"folder", "file"}
    assert disk.unharmed


def test_a_whole_entry_goes_with_its_symlinks_alone(disk) -> None:
    """The links themselves go, and nothing they lead to."""
    disk.file("entry/old")
    (disk.place / "entry/folder").symlink_to(disk.victim)
    (disk.place / "entry/file").symlink_to(disk.victim / "precious")
    os.utime(disk.place / "entry/folder", (0, 0), follow_symlinks=False)
    os.utime(disk.place / "entry/file", (0, 0), follow_symlinks=False)
    os.utime(disk.place / "entry", (0, 0))
    disk.clean(kind="models")
    assert disk.left() == set()
    assert disk.unharmed


def test_a_folder_swapped_for_a_symlink_leads_nowhere(disk) -> None:
    """Between finding and removing the folder becomes a symlink to one with the same names."""
    disk.file("day/precious")
    found = only(disk)
    (disk.place / "day").rename(disk.root / "away")
    (disk.place / "day").symlink_to(disk.victim)
    with pytest.raises(OSError, match="day"):
        removal.remove_file(str(disk.place), found)
    assert disk.unharmed


def test_a_file_swapped_for_another_stays(disk) -> None:
    """What is there now is not what was found, be it a file, a hard link or a symlink."""
    disk.file("precious")
    found = only(disk)
    for put in (os.link, os.symlink, shutil.copy2):
        (disk.place / "precious").unlink()
        put(disk.victim / "precious", disk.place / "precious")
        with pytest.raises(OSError, match="replaced meanwhile"):
            removal.remove_file(str(disk.place), found)
        assert os.path.lexists(disk.place / "precious")
    assert disk.unharmed


def test_a_file_that_was_touched_stays(disk) -> None:
    """Somebody uses it after all."""
    path = disk.file("old")
    found = only(disk)
    os.utime(path)
    with pytest.raises(OSError, match="used or replaced meanwhile"):
        removal.remove_file(str(disk.place), found)
    assert path.exists()


def test_a_file_that_is_gone_is_an_error_of_its_own(disk) -> None:
    """Whoever cleans passes over it: it went by itself."""
    path = disk.file("old")
    found = only(disk)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        removal.remove_file(str(disk.place), found)


@pytest.mark.parametrize("what", ["symlink", "replaced", "gone"])
def test_a_whole_entry_that_was_swapped_stays(disk, what: str) -> None:
    """Nothing is renamed and nothing removed."""
    disk.file("entry/old")
    found = only(disk, "models")
    shutil.rmtree(disk.place / "entry")
    if what == "symlink":
        (disk.place / "entry").symlink_to(disk.victim)
    elif what == "replaced":
        disk.file("entry/old")
    before = disk.left()
    with pytest.raises(OSError, match="entry"):
        removal.remove_whole(found, budget())
    assert disk.left() == before
    assert disk.unharmed


def test_a_whole_entry_that_somebody_opens_stays(disk) -> None:
    """It is looked at once more, right before."""
    path = disk.file("entry/old")
    os.utime(disk.place / "entry", (0, 0))
    found = only(disk, "models")
    with path.open("rb"):
        assert not cleanable.is_as_found(found, inuse.look(), budget())
    assert cleanable.is_as_found(found, inuse.look(), budget())
    disk.file("entry/new", age_s=0)
    assert not cleanable.is_as_found(found, inuse.look(), budget())


def test_a_whole_entry_is_emptied_as_far_as_time_goes(disk) -> None:
    """It has lost its name at once; the rest goes later."""
    for number in range(5):
        disk.file(f"entry/{number}")
    found = only(disk, "models")
    over = Budget(10_000, time.monotonic() - 1)
    freed, faults = removal.remove_whole(found, over)
    assert (freed.inodes, faults) == (0, [])
    (doomed,) = disk.place.iterdir()
    assert doomed.name.startswith(cleanable.DOOMED)
    device = disk.place.stat().st_dev
    freed, faults = removal.finish(str(disk.place), device, budget())
    assert (freed.inodes, faults) == (6, [])
    assert disk.left() == set()


@needs_root
def test_a_folder_of_somebody_else_leads_nowhere(disk) -> None:
    """One could have been moved there by whoever owns the folder it lies in."""
    disk.file("theirs/ours/precious")
    os.chown(disk.place / "theirs", SOMEBODY, SOMEBODY)
    for kind in ("outputs", "models"):
        cleaned = disk.clean(kind=kind)
        assert cleaned.removed == ()
        assert cleaned.faults[0].why == f"belongs to user 0, in a folder of user {SOMEBODY}"


class Swapper(threading.Thread):
    """Turns `day` into a symlink to the victim and back, as fast as it can."""

    def __init__(self, disk) -> None:
        super().__init__(daemon=True)
        self._day = disk.place / "day"
        self._away = disk.root / "away"
        self._victim = disk.victim
        self.over = threading.Event()
        self.turns = 0

    def run(self) -> None:
        """Swap until it is over; where it was cleaned away, begin anew."""
        while not self.over.is_set():
            self._away.mkdir(exist_ok=True)
            for put in (
                lambda: self._away.rename(self._day),
                lambda: self._day.rename(self._away),
                lambda: self._day.symlink_to(self._victim),
                self._day.unlink,
            ):
                with contextlib.suppress(OSError):
                    put()
            self.turns += 1


@pytest.fixture
def swapper(disk) -> Iterator[Swapper]:
    """Give one that swaps until the test is over."""
    made = Swapper(disk)
    made.start()
    yield made
    made.over.set()
    made.join(20)
    assert disk.unharmed


TURNS = 300


def test_no_file_is_lost_in_a_race(disk, swapper: Swapper) -> None:
    """Whatever instant the folder is swapped in, its file is not removed from the victim.

    It is the very same file there, by a hard link: only the way to it is wrong.
    """
    path, end_s, gone = f"{disk.place}/day/precious", time.monotonic() + 20, 0
    while swapper.turns < TURNS and time.monotonic() < end_s:
        found = removal_candidate(path, disk.victim / "precious")
        with contextlib.suppress(OSError):
            removal.remove_file(str(disk.place), found)
            gone += 1
        assert disk.unharmed
    assert (swapper.turns >= TURNS, gone) == (True, 0)


def removal_candidate(path: str, really: Path) -> Candidate:
    """Return a candidate at a path that is marked as another file."""
    return Candidate(path, "outputs", 1, 1, 0.0, mark(really.lstat()))


def test_no_model_is_lost_in_a_race(disk, swapper: Swapper) -> None:
    """Whatever instant an entry that goes whole is swapped in, the victim keeps all it has."""
    end_s = time.monotonic() + 20
    while swapper.turns < TURNS and time.monotonic() < end_s:
        disk.cleaner("models", min_age_s=0.0).clean(disk.task())
        assert disk.unharmed
    assert swapper.turns >= TURNS
