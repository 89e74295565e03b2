"""podkeeper's extension put into an A1111, kept up to date and taken out again."""

from __future__ import annotations

import json
import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from podkeeper import extension

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.settings.plan import Plan

    PlanFor = Callable[..., Plan]


@pytest.fixture
def place(tree: Path) -> Path:
    """Return where the extension belongs."""
    return tree / "extensions" / "podkeeper"


def test_it_is_put_in_whole(plan_for: PlanFor, place: Path) -> None:
    """Script, package, settings and marker are there for every user to read, and no cache."""
    before = os.umask(0o077)
    try:
        assert extension.settle(plan_for()) == [f"put podkeeper's extension into {place}"]
    finally:
        os.umask(before)
    assert sorted(each.name for each in place.iterdir()) == [
        "__init__.py",
        "podkeeper.json",
        "podkeeper_webui",
        "scripts",
    ]
    told = json.loads((place / "podkeeper_webui" / "settings.json").read_bytes())
    assert (told["version"], told["baseline_s"], told["tidy"]) == ("1.2.3", 3.0, True)
    assert not list(place.rglob("*.pyc"))
    for path in [place, *place.rglob("*")]:
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert [each.name for each in place.parent.iterdir()] == ["podkeeper"]


def test_a_second_start_changes_nothing(plan_for: PlanFor, place: Path) -> None:
    """What is up to date is not written again: a volume may be shared and slow."""
    extension.settle(plan_for())
    before = {path: path.stat().st_mtime_ns for path in [place, *place.rglob("*")]}
    assert extension.settle(plan_for()) == []
    assert {path: path.stat().st_mtime_ns for path in [place, *place.rglob("*")]} == before


def test_other_settings_or_files_are_brought_up_to_date(plan_for: PlanFor, place: Path) -> None:
    """A changed setting is written anew, and a file that no longer belongs is gone."""
    extension.settle(plan_for())
    (place / "podkeeper_webui" / "of_an_older_version.py").touch()
    said = extension.settle(plan_for("extension.baseline_s=7s"))
    assert said == [f"put podkeeper's extension into {place}"]
    told = json.loads((place / "podkeeper_webui" / "settings.json").read_bytes())
    assert told["baseline_s"] == 7
    assert not (place / "podkeeper_webui" / "of_an_older_version.py").exists()


def test_it_is_taken_out_when_it_is_not_wanted(plan_for: PlanFor, place: Path) -> None:
    """Nothing of it is left; and where there is none nothing is done and nothing said."""
    off = "extension.install=false"
    assert extension.settle(plan_for(off)) == []
    extension.settle(plan_for())
    assert extension.settle(plan_for(off)) == [f"took podkeeper's extension out of {place.parent}"]
    assert not list(place.parent.iterdir())


@pytest.mark.parametrize("marker", [None, "{}", "[]", "not json"])
@pytest.mark.parametrize("install", ["true", "false"])
def test_a_folder_of_somebody_else_stays(
    plan_for: PlanFor, place: Path, marker: str | None, install: str
) -> None:
    """A folder of our name without our marker is not touched, whatever is wanted; it is said."""
    place.mkdir()
    (place / "theirs.py").touch()
    if marker is not None:
        (place / "podkeeper.json").write_text(marker)
    (said,) = extension.settle(plan_for(f"extension.install={install}"))
    assert said.startswith(f"{place} is not podkeeper's and stays as it is")
    assert (place / "theirs.py").exists()


def test_a_link_stays(plan_for: PlanFor, place: Path, tmp_path: Path) -> None:
    """Who links a folder there works on the extension: it is not replaced by a copy."""
    extension.settle(plan_for())
    place.rename(tmp_path / "mine")
    place.symlink_to(tmp_path / "mine")
    (said,) = extension.settle(plan_for("extension.baseline_s=7s"))
    assert "stays as it is" in said
    assert place.is_symlink()


def test_a_tree_that_cannot_be_written_is_said(plan_for: PlanFor, place: Path) -> None:
    """A start goes on without the extension; here a file of that name is in the way of the copy."""
    in_the_way = place.with_name(f".podkeeper-new-{os.getpid()}")
    in_the_way.touch()
    (said,) = extension.settle(plan_for())
    assert said.startswith(f"cannot write {place}: ")
    assert said.endswith("; the WebUI runs without our extension")
    assert not place.exists()


def test_only_an_a1111_or_forge_gets_one(
    plan_of: Callable[..., Plan], plan_for: PlanFor, tree: Path, tmp_path: Path
) -> None:
    """The simulator, another WebUI or a tree without its folder is left as it is, in silence."""
    assert extension.settle(plan_of()) == []
    (tree / "extensions").rmdir()
    assert extension.settle(plan_for()) == []
    (tree / "extensions").mkdir()
    (tree / "modules" / "script_callbacks.py").unlink()
    assert extension.settle(plan_for()) == []
    assert not list((tree / "extensions").iterdir())
    assert tmp_path.exists()


@pytest.mark.parametrize("words", ["--data-dir data", "--data-dir=data"])
def test_the_folder_that_the_command_names_counts(
    plan_of: Callable[..., Plan], tree: Path, words: str
) -> None:
    """An A1111 whose data lies elsewhere loads its extensions from there."""
    (tree / "data" / "extensions").mkdir(parents=True)
    command = f"webui.command=python launch.py --server-name 127.0.0.1 {words}"
    extension.settle(plan_of(f"webui.directory={tree}", command))
    assert (tree / "data" / "extensions" / "podkeeper" / "scripts" / "podkeeper.py").is_file()
    assert not list((tree / "extensions").iterdir())


def test_several_webuis_share_one_copy(plan_for: PlanFor, place: Path) -> None:
    """One per GPU in one tree is one folder and one line."""
    assert extension.settle(plan_for("webui.instances=3")) == [
        f"put podkeeper's extension into {place}"
    ]


def test_what_a_killed_start_left_is_cleared_up(plan_for: PlanFor, place: Path) -> None:
    """Half a copy goes once it is old enough to be nobody's work."""
    old, young = (place.with_name(f".podkeeper-new-{pid}") for pid in (1, 2))
    for each in (old, young):
        each.mkdir()
    os.utime(old, (1, 1))
    extension.settle(plan_for())
    assert (old.exists(), young.exists()) == (False, True)


def test_starts_at_the_same_time_leave_one_whole_copy(
    plan_for: PlanFor, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of workers that share a volume one puts it there, and the others find it whole."""
    names = threading.local()
    pids = iter(range(100, 200))
    monkeypatch.setattr(extension.os, "getpid", lambda: vars(names).setdefault("pid", next(pids)))
    said: list[str] = []
    plan = plan_for()
    threads = [
        threading.Thread(target=lambda: said.extend(extension.settle(plan))) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    wanted = extension.content(plan.settings.extension, plan.version)
    assert all((place / name).read_bytes() == data for name, data in wanted.items())
    assert said == [f"put podkeeper's extension into {place}"]
    assert [each.name for each in place.parent.iterdir()] == ["podkeeper"]
