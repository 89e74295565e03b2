"""Nothing leads out of a folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper import beneath

if TYPE_CHECKING:
    from collections.abc import Iterator

SOMEBODY = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def open_files() -> int:
    """Return how many descriptors this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def names(path: Path) -> list[str]:
    """Return what lies in the folder that a path leads to."""
    with beneath.open_folder(str(path)) as folder:
        return sorted(os.listdir(folder.fd))  # noqa: PTH208 - by descriptor


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Give a folder with `a/b/file` in it, and a victim beside it."""
    (tmp_path / "base/a/b").mkdir(parents=True)
    (tmp_path / "base/a/b/file").write_text("x")
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/precious").write_text("x")
    return tmp_path / "base"


def test_a_folder_is_reached_step_by_step(base: Path) -> None:
    """Each step is known by device and inode; no step leads back to the folder itself."""
    with beneath.open_folder(str(base)) as folder, folder.reach(["a", "b"]) as deep:
        assert (deep.device, deep.inode) == (
            (base / "a/b").stat().st_dev,
            (base / "a/b").stat().st_ino,
        )
        with folder.reach([]) as twin:
            assert (twin.inode, twin.fd == folder.fd) == (folder.inode, False)


@pytest.mark.parametrize("target", ["../victim", "/", "a"])
def test_no_symlink_is_followed_below(base: Path, target: str) -> None:
    """Not even one that leads to a folder within."""
    (base / "link").symlink_to(target)
    with beneath.open_folder(str(base)) as folder, pytest.raises(OSError, match=r"link"):
        folder.descend("link")


@pytest.mark.parametrize("name", ["a/b/file", "missing", "a/b/file/x"])
def test_what_is_no_folder_is_an_error(base: Path, name: str) -> None:
    """A file, and what is not there, are errors that say so."""
    with pytest.raises((NotADirectoryError, FileNotFoundError)):
        beneath.open_folder(str(base / name))


def test_our_own_symlinks_lead_to_a_declared_folder(base: Path) -> None:
    """They may be relative, absolute, climb, and lead on to others."""
    (base / "relative").symlink_to("a/../a/b")
    (base / "a/absolute").symlink_to(base / "relative")
    (base / "a/b/climbing").symlink_to("../.././a/absolute")
    assert names(base / "a/b/climbing") == ["climbing", "file"]
    assert names(base / "relative/../b") == ["climbing", "file"]


def test_a_ring_of_symlinks_ends(base: Path) -> None:
    """It is an error, as it is for the kernel."""
    (base / "one").symlink_to("two")
    (base / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"):
        beneath.open_folder(str(base / "one"))


@needs_root
def test_another_users_symlink_is_not_followed(base: Path) -> None:
    """Whoever made it could have made it lead anywhere."""
    (base / "link").symlink_to("../victim")
    os.chown(base / "link", SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(PermissionError, match=f"symlink of user {SOMEBODY}"):
        beneath.open_folder(str(base / "link"))


@needs_root
def test_nobody_lends_a_folder_that_is_not_his(base: Path) -> None:
    """A folder within another user's is opened only if it is his too."""
    os.chown(base / "a", SOMEBODY, SOMEBODY)
    with beneath.open_folder(str(base)) as folder:
        with pytest.raises(PermissionError, match=f"user 0, in a folder of user {SOMEBODY}"):
            folder.reach(["a", "b"])
        with pytest.raises(PermissionError, match="in a folder of user"):
            beneath.open_folder(str(base / "a/b"))
        os.chown(base / "a/b", SOMEBODY, SOMEBODY)
        with folder.reach(["a", "b"]) as deep:
            assert deep.owner == SOMEBODY


def test_another_file_system_is_not_entered() -> None:
    """What is mounted below a folder is not part of it."""
    with beneath.open_folder("/") as root, pytest.raises(OSError, match="another file system"):
        root.descend("proc")


@pytest.fixture
def bound(base: Path) -> Iterator[Path]:
    """Give a folder below the base that is really the victim, mounted there."""
    there = base / "bound"
    there.mkdir()
    mount = ["mount", "--bind", str(base.parent / "victim"), str(there)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield there
    subprocess.run(["umount", str(there)], check=True)


def test_a_bind_mount_is_not_entered(base: Path, bound: Path) -> None:
    """Though it has the same device, it is another mount."""
    with beneath.open_folder(str(base)) as folder:
        assert bound.stat().st_dev == folder.device
        with pytest.raises(OSError, match="another file system"):
            folder.descend("bound")


def test_no_descriptor_is_left_open(base: Path) -> None:
    """Neither a success nor a refusal leaves one behind."""
    (base / "link").symlink_to("a")
    before = open_files()
    for name in ("a", "link", "a/b/file", "missing", "link/b"):
        for reach in (False, True):
            try:
                with beneath.open_folder(str(base if reach else base / name)) as folder:
                    if reach:
                        os.close(folder.reach(name.split("/")).fd)
            except OSError:
                pass
    assert open_files() == before
