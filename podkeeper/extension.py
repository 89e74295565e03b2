"""Is podkeeper's extension where the WebUI loads it, as the settings want it?

Covers: finding the folder `extensions` of an A1111 or a Forge, and putting ours into it, bringing
it up to date or taking it out, each in one step. A folder that is not ours is left alone, and
nothing here stops a start: the worker runs without the extension too, with less.
Leaves out: the extension itself (`hooks/webui_extension`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.settings.extension import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.settings.extension import ExtensionSettings
    from podkeeper.settings.plan import Plan, Program

_SOURCE = Path(__file__).resolve().parent.parent / "hooks" / "webui_extension"
_NAME, _MARKER = "podkeeper", "podkeeper.json"
_TOLD_NAME = "podkeeper_webui/settings.json"
#: What tells an A1111 or a Forge from any other folder.
_SIGN = "modules/script_callbacks.py"
_WHAT = "podkeeper's extension of this WebUI; each start of podkeeper may replace this folder"
#: Age at which half a copy is nobody's work any more.
_STALE_S = 600.0


def _data_folder(program: Program) -> Path:
    """Return the folder that holds `extensions`: the WebUI's own, or what --data-dir names."""
    folder = Path(program.directory)
    for word, following in zip(program.command, [*program.command[1:], ""], strict=True):
        name, _, value = word.partition("=")
        if name == "--data-dir":
            return folder / (value or following)
    return folder


def folders(plan: Plan) -> list[Path]:
    """Return where the extension belongs, for each A1111 or Forge that the plan runs."""
    places = {
        _data_folder(each) / "extensions"
        for each in plan.of_role("webui")
        if (Path(each.directory) / _SIGN).is_file()
    }
    return sorted(place / _NAME for place in places if place.is_dir())


def content(settings: ExtensionSettings, version: str) -> dict[str, bytes]:
    """Return the extension's files by their names, with what it is told.

    Raises:
        OSError: This installation lacks them.
    """
    names = sorted(each.relative_to(_SOURCE) for each in _SOURCE.rglob("*.py"))
    files = {str(name): (_SOURCE / name).read_bytes() for name in names}
    files[_TOLD_NAME] = json.dumps({"version": version, **told(settings)}, indent=1).encode()
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
    marker = {"what": _WHAT, "version": version, "digest": digest}
    return {**files, _MARKER: json.dumps(marker, indent=1).encode()}


def _is_ours(folder: Path) -> bool:
    if folder.is_symlink():
        return False
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return bool(json.loads((folder / _MARKER).read_bytes())["what"] == _WHAT)
    return False


def _is_current(folder: Path, files: dict[str, bytes]) -> bool:
    with contextlib.suppress(OSError):
        return (folder / _MARKER).read_bytes() == files[_MARKER]
    return False


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write a folder that any user can read, whatever the umask."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o644)
        for parent in path.relative_to(folder).parents:
            (folder / parent).chmod(0o755)


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}-{kind}-{os.getpid()}")


def _clear_up(folder: Path) -> None:
    """Remove what a start left that was killed while it copied."""
    for left in folder.parent.glob(f".{folder.name}-*-*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def _take_out(folder: Path) -> None:
    old = _beside(folder, "old")
    folder.rename(old)
    shutil.rmtree(old)


def _put_in(folder: Path, files: dict[str, bytes]) -> None:
    """Put the folder in place; who looks sees the old one, none or the new one, never half."""
    new = _beside(folder, "new")
    try:
        _write(new, files)
        if folder.exists():
            _take_out(folder)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other starts on this folder waiting, where its file system can do that."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _settle(folder: Path, plan: Plan) -> str | None:
    """Bring one folder to what the settings want; return what is to be said of it.

    Raises:
        OSError: It cannot be written.
    """
    here = folder.exists() or folder.is_symlink()
    if here and not _is_ours(folder):
        return f"{folder} is not podkeeper's and stays as it is; the WebUI runs without ours"
    if not plan.settings.extension.install:
        if here:
            _take_out(folder)
        return f"took podkeeper's extension out of {folder.parent}" if here else None
    files = content(plan.settings.extension, plan.version)
    if _is_current(folder, files):
        return None
    _clear_up(folder)
    try:
        _put_in(folder, files)
    except OSError:
        # Where nobody can be kept waiting, another start may have put the same there meanwhile.
        if not _is_current(folder, files):
            raise
    return f"put podkeeper's extension into {folder}"


def settle(plan: Plan) -> list[str]:
    """Bring all that the plan's WebUIs load to what the settings want; return what to say of it."""
    said = []
    for folder in folders(plan):
        try:
            with _alone(folder.parent):
                line = _settle(folder, plan)
        except OSError as error:
            line = f"cannot write {folder}: {error.strerror}; the WebUI runs without our extension"
        if line is not None:
            said.append(line)
    return said
