"""Room made on a real file system: what goes, what stays, and what is said of it."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper.actuators import cleanable, inuse
from podkeeper.actuators.budget import Budget
from podkeeper.actuators.cleaned import Cleaned, Removed
from podkeeper.actuators.disk import Cleaner, Task
from podkeeper.actuators.entries import Fault
from podkeeper.policy.cleaning import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES = 4096


def test_the_oldest_go_until_the_need_is_met(disk) -> None:
    """What came back is what the file system gives back, and each path is named with it."""
    for name, age_s in (("old", 300), ("older", 400), ("oldest", 500), ("young", 30)):
        disk.file(name, age_s=age_s, size_bytes=2 * BLOCK_BYTES)
    cleaned = disk.clean(Need(3 * BLOCK_BYTES))
    assert cleaned.removed == tuple(
        Removed(f"{disk.place}/{name}", "outputs", 2 * BLOCK_BYTES, 1)
        for name in ("oldest", "older")
    )
    assert (cleaned.met, cleaned.ended, cleaned.failed) == (True, "", 0)
    assert disk.left() == {"old", "young"}


def test_kinds_go_in_their_order(disk) -> None:
    """The next kind is not even looked at while the one before is enough."""
    disk.file("temporary/a")
    disk.file("cache/whole/b")
    cleaner = Cleaner(
        [
            Rule("temporary", (f"{disk.place}/temporary", f"{disk.place}/missing"), 60.0),
            Rule("models", (f"{disk.place}/cache",), 60.0),
        ],
        kept=(),
        max_candidates=1000,
        step_s=60.0,
    )
    assert cleaner.clean(disk.task(Need(1))).met
    assert disk.left() == {"temporary", "cache", "cache/whole", "cache/whole/b"}
    assert not cleaner.clean(disk.task()).met
    assert disk.left() == {"temporary", "cache", "cache/whole", "cache/whole/b"}
    (disk.place / "cache/whole").touch()
    os.utime(disk.place / "cache/whole", (0, 0))
    assert not cleaner.clean(disk.task()).met
    assert disk.left() == {"temporary", "cache"}


def test_folders_left_empty_go_too(disk) -> None:
    """They take inodes; the declared folder stays, as does one that still holds something."""
    disk.file("day/a/b/picture")
    disk.file("other/young", age_s=1)
    disk.file("other/deep/old")
    cleaned = disk.clean()
    assert disk.left() == {"other", "other/young"}
    assert cleaned.freed_inodes == 2 + 3 + 1


def test_the_need_may_be_inodes(disk) -> None:
    """Empty files give inodes and no room."""
    for number in range(3):
        disk.file(f"empty{number}", size_bytes=0)
    assert disk.clean(Need(1)).removed == ()
    cleaned = disk.clean(Need(inodes=2))
    assert (cleaned.met, cleaned.freed_inodes, cleaned.freed_bytes) == (True, 2, 0)


def test_a_file_with_another_name_frees_nothing_and_stays(disk) -> None:
    """The other name may be anywhere; of a pair within, neither goes file by file."""
    os.link(disk.file("linked"), disk.root / "elsewhere")
    os.link(disk.file("one"), disk.place / "two")
    disk.file("alone")
    assert disk.clean().freed_bytes == BLOCK_BYTES
    assert disk.left() == {"linked", "one", "two"}


def test_links_count_where_all_of_them_go(disk) -> None:
    """A whole entry with all names of a file frees it; with a name elsewhere it frees the rest."""
    os.link(disk.file("pair/one", size_bytes=8 * BLOCK_BYTES), disk.place / "pair/two")
    os.link(disk.file("shared/one", size_bytes=8 * BLOCK_BYTES), disk.root / "elsewhere")
    for name in ("pair", "shared"):
        os.utime(disk.place / name, (0, 0))
    cleaned = disk.clean(kind="packages")
    freed = {Path(each.path).name: each for each in cleaned.removed}
    assert freed["pair"].size_bytes == 8 * BLOCK_BYTES + folder_bytes(disk)
    assert freed["pair"].inodes == 2
    assert freed["shared"].size_bytes == folder_bytes(disk)
    assert (disk.root / "elsewhere").stat().st_size == 8 * BLOCK_BYTES


def folder_bytes(disk) -> int:
    """Return what a small folder takes on this file system."""
    return disk.victim.stat().st_blocks * 512


def test_open_files_stay(disk) -> None:
    """A file that any process has open stays, read or written."""
    path = disk.file("open")
    disk.file("closed")
    with path.open("rb"):
        disk.clean()
    assert disk.left() == {"open"}


def test_mapped_files_stay(disk) -> None:
    """So does one that is mapped and no longer open, as a checkpoint and a library are."""
    library = Path(str(find_spec("_ctypes").origin))
    mapped = Path(shutil.copy(library, disk.place / "mapped.so"))
    ctypes.CDLL(str(mapped))
    disk.file("unmapped")
    cleaned = disk.cleaner(min_age_s=0.0).clean(disk.task())
    assert [each.path for each in cleaned.removed] == [f"{disk.place}/unmapped"]
    assert disk.left() == {"mapped.so"}


@pytest.mark.parametrize("by_path", [False, True])
def test_a_loaded_model_stays(disk, *, by_path: bool) -> None:
    """What the WebUI has loaded stays, by its name, or by a path that leads to it."""
    loaded, other = disk.file("loaded.safetensors"), disk.file("other.safetensors")
    link = disk.root / "model.safetensors"
    link.symlink_to(loaded)
    word = str(link) if by_path else "loaded.safetensors"
    assert [each.path for each in disk.clean(kind="models", loaded=[word]).removed] == [str(other)]
    assert loaded.exists()


def test_a_model_under_a_hash_stays_while_it_is_loaded(disk) -> None:
    """In a hub's cache the name that is loaded is a symlink beside the file it leads to."""
    for name in ("used", "unused"):
        blob = disk.file(f"models--{name}/blobs/5f2d")
        snapshot = disk.place / f"models--{name}/snapshots/1"
        snapshot.mkdir(parents=True)
        (snapshot / f"{name}.safetensors").symlink_to(blob)
    age_all(disk)
    cleaned = disk.clean(kind="models", loaded=["used.safetensors"])
    assert [Path(each.path).name for each in cleaned.removed] == ["models--unused"]
    assert (disk.place / "models--used/blobs/5f2d").exists()


def age_all(disk) -> None:
    """Let everything in the place be old."""
    for path in disk.place.rglob("*"):
        os.utime(path, (0, 0), follow_symlinks=False)


def test_the_model_used_longest_ago_goes_first(disk) -> None:
    """Its newest file counts, and no more goes than is needed."""
    for name, age_s in (("a", 500), ("b", 900), ("c", 700)):
        disk.file(f"{name}/blob", age_s=age_s)
        disk.file(f"{name}/config", age_s=100_000)
        os.utime(disk.place / name, (0, 0))
    assert disk.clean(Need(1), kind="models").met
    assert {path.name for path in disk.place.iterdir()} == {"a", "c"}


@pytest.mark.parametrize("kind", ["outputs", "models"])
def test_young_files_stay(disk, kind: str) -> None:
    """One young file keeps the whole of an entry that goes whole, a folder just made itself."""
    disk.file("entry/young", age_s=1)
    (disk.place / "made").mkdir()
    assert disk.clean(kind=kind).removed == ()
    assert disk.left() == {"entry", "entry/young", "made"}


def test_kept_folders_stay(disk) -> None:
    """What must stay does so, by whatever way the place is reached, and is no part of a whole."""
    state = disk.file("state/ledger").parent
    disk.file("other")
    age_all(disk)
    (disk.root / "way").symlink_to(disk.place)
    for kind in ("outputs", "models"):
        disk.cleaner(kind, kept=(f"{disk.root}/way/state",)).clean(disk.task())
    assert disk.left() == {"state", "state/ledger"}
    assert state.exists()


def test_another_file_system_is_left_alone(disk) -> None:
    """Room is made where it is lacking, and nowhere else."""
    disk.file("old")
    assert disk.cleaner().clean(Task("/proc", Need(1))).removed == ()
    assert disk.left() == {"old"}


def test_too_many_candidates_go_in_several_steps(disk) -> None:
    """A step keeps so many in mind, says so, and the next one finds the rest."""
    for number in range(30):
        disk.file(f"{number}")
    cleaner = disk.cleaner(max_candidates=10)
    steps = [cleaner.clean(disk.task()) for _ in range(3)]
    assert [len(each.removed) for each in steps] == [10, 10, 10]
    assert steps[0].ended == "more candidates than one step keeps in mind"
    assert steps[2].ended == ""


def test_what_is_young_does_not_hide_what_is_old(disk) -> None:
    """However many young files there are, only what may go counts as a candidate."""
    for number in range(30):
        disk.file(f"young{number}", age_s=1)
    disk.file("old")
    cleaned = disk.cleaner(max_candidates=1).clean(disk.task())
    assert [each.path for each in cleaned.removed] == [f"{disk.place}/old"]
    assert cleaned.ended == ""


def test_without_time_nothing_is_touched(disk) -> None:
    """A step whose time is over says so."""
    disk.file("old")
    cleaned = disk.cleaner(step_s=1e-9).clean(disk.task())
    assert (cleaned.removed, cleaned.ended) == ((), "out of time")


def test_an_entry_that_is_half_removed_is_finished_later(disk) -> None:
    """It has lost its name in one step, so that nobody finds a half; the next step ends it."""
    disk.file(f"{cleanable.DOOMED}77/deep/blob")
    disk.file("entry/young", age_s=1)
    cleaned = disk.clean(Need(1), kind="models")
    assert [each.path for each in cleaned.removed] == [f"{disk.place}/{cleanable.DOOMED}*"]
    assert cleaned.met
    assert disk.left() == {"entry", "entry/young"}


def test_what_cannot_be_looked_at_is_told(disk) -> None:
    """A path that is not there ends the step with the reason."""
    disk.file("old")
    cleaned = disk.cleaner().clean(Task(f"{disk.root}/missing", Need(1)))
    assert cleaned.ended == f"cannot look at {disk.root}/missing: No such file or directory"
    assert disk.left() == {"old"}


def test_a_folder_that_may_not_be_changed_is_told(disk, as_nobody: Callable) -> None:
    """The rest goes; an entry with such a folder deep in it stays whole."""
    for path in (disk.file("locked/old"), disk.file("entry/locked/old"), disk.file("free/old")):
        path.parent.chmod(0o555 if "locked" in str(path) else 0o777)
    (disk.place / "entry").chmod(0o777)
    age_all(disk)
    disk.place.chmod(0o777)
    with as_nobody():
        cleaned = disk.clean(kind="models")
        assert {(each.path, each.why) for each in cleaned.faults} == {
            (f"{disk.place}/locked", "nothing may be removed from it"),
            (f"{disk.place}/entry", "nothing may be removed from it"),
        }
        assert [each.path for each in cleaned.removed] == [f"{disk.place}/free"]
        assert disk.clean(kind="outputs").failed == 2
    assert disk.left() == {"locked", "locked/old", "entry", "entry/locked", "entry/locked/old"}


def test_a_process_of_ours_that_hides_stops_all(disk, as_nobody: Callable) -> None:
    """Nobody knows what it uses, so nothing goes."""
    disk.file("old")
    disk.place.chmod(0o777)
    with as_nobody():
        unseen = inuse.look().unseen
        if not unseen:
            pytest.skip("every process can be looked into here")
        cleaned = disk.clean(ours=unseen)
    assert cleaned.ended == f"cannot see what process {min(unseen)} has open"
    assert disk.left() == {"old"}


def test_a_look_changes_nothing(disk) -> None:
    """Finding candidates is for the doctor, too."""
    disk.file("a/b")
    disk.file("c/d")
    before = disk.left()
    for kind in ("outputs", "models"):
        budget = Budget(100, time.monotonic() + 60)
        found = cleanable.find(Rule(kind, (str(disk.place),), 0.0), inuse.InUse(), budget)
        assert len(found.candidates) == 2
    assert disk.left() == before


def test_the_outcome_in_words() -> None:
    """One line says what went of each kind, what failed first, and why it ended early."""
    cleaned = Cleaned(
        removed=(Removed("/a", "outputs", 1 << 20, 1), Removed("/b\n\udcff", "models", 2 << 20, 5)),
        faults=(Fault("/c\x1b", "not permitted"),),
        failed=7,
        ended="out of time",
    )
    assert str(cleaned) == (
        "removed 1 of outputs (1MiB), 1 of models (2MiB), 6 inodes;"
        " 7 faults, the first: /c\\x1b: not permitted; ended early: out of time"
    )
    evidence = cleaned.evidence(1)
    assert evidence["removed"] == [["/b\\n\\udcff", 2 << 20]]
    assert evidence["removed_entries"] == 2
    assert str(Cleaned()) == "removed nothing, 0 inodes"
