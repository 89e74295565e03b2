"""Can only the right users reach what is private?

Covers: modes and owners of files and folders, and names of variables. No value is ever read from a
file or shown.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.probes import files
from podkeeper.settings.private import KEY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import stat_result

    from podkeeper.doctor.scene import Scene

_SHARED = 0o077
#: What users of programs need to pass through a folder that holds a file of theirs.
_PASSING = 0o011
_RESTART = "restart the worker, which makes it anew"


def _stat(path: Path) -> stat_result | OSError:
    try:
        return path.stat()
    except OSError as error:
        return error


def _look(name: str, path: Path, why: str, *, owner: int | None = None, granted: int = 0) -> Check:
    """Return whether nobody but the owner can use a file, beyond what is granted to all."""
    found = _stat(path)
    if isinstance(found, PermissionError):
        mend = "run podkeeper doctor as the worker's own user, or as root"
        return doubtful(name, f"{path} may not be seen by this user", why, mend)
    if isinstance(found, OSError):
        return bad(name, f"{path}: {found.strerror}", why, _RESTART)
    mode = stat.S_IMODE(found.st_mode)
    seen = f"{path}: mode {mode:04o}, user {found.st_uid}"
    if mode & _SHARED & ~granted:
        return bad(name, seen, why, f"chmod {mode & ~_SHARED | mode & granted:04o} {path}")
    if owner is not None and found.st_uid != owner:
        return bad(name, f"{seen}, not {owner}", why, f"chown {owner} {path}")
    return good(name, seen, why)


def socket(scene: Scene) -> Iterator[Check]:
    """Yield who can control supervisord."""
    if scene.plan is not None and scene.pids is not None:
        why = "whoever opens it can run any command as the worker's user"
        yield _look("control socket", scene.plan.socket_path, why, owner=scene.owner)


def folders(scene: Scene) -> Iterator[Check]:
    """Yield who can look into the worker's folders."""
    if scene.plan is None:
        return
    granted = _PASSING if any(program.user for program in scene.plan.programs) else 0
    why = "sockets and private variables lie in it"
    folder = Path(scene.plan.runtime_dir)
    yield _look("runtime folder", folder, why, owner=scene.owner, granted=granted)
    private = folder / "private"
    yield _look("private folder", private, why, owner=scene.owner, granted=granted)
    why = "incidents name paths, commands and last lines"
    passing = _PASSING if any(each.user for each in scene.plan.of_role("handler")) else 0
    found = _look("state folder", scene.state_dir, why, granted=passing)
    # A network volume may know neither modes nor users of ours.
    shared = found.level == "failed"
    yield doubtful(found.name, found.seen, why, found.mend) if shared else found


def variables(scene: Scene) -> Iterator[Check]:
    """Yield who can read the variables that only one program may see."""
    for program in scene.plan.programs if scene.plan is not None else ():
        if program.private_environment is not None:
            why = f"keys and tokens of {program.name} stand in it"
            path = Path(program.private_environment)
            yield _look(f"secrets of {program.name}", path, why, owner=scene.uid_of(program))


def environments(scene: Scene) -> Iterator[Check]:
    """Yield which programs hold the RunPod key; of variables only the names are looked at."""
    why = "the RunPod key is for the handler alone"
    holders, unseen = [], []
    for program, pid in scene.running:
        if program.role in ("handler", "platform"):
            continue
        content = files.read(f"{scene.root}/proc/{pid}/environ")
        if content is None:
            unseen.append(program.name)
            continue
        names = {
            entry.partition(b"=")[0].decode(errors="replace") for entry in content.split(b"\0")
        }
        if names & KEY_VARIABLES:
            holders.append(f"{program.name} ({', '.join(sorted(names & KEY_VARIABLES))})")
    if holders:
        mend = "take these names out of what is set for or passed to it"
        yield bad("RunPod key", f"in the environment of {', '.join(holders)}", why, mend)
    elif unseen:
        mend = "run podkeeper doctor as the worker's own user, or as root"
        yield doubtful("RunPod key", f"cannot see into {', '.join(unseen)}", why, mend)
    elif scene.running:
        yield good("RunPod key", "in no other program's environment", why)
