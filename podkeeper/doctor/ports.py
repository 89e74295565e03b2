"""Can only this machine reach what the programs listen on?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.probes.listening import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene
    from podkeeper.settings.plan import Program

_WHY = "whoever reaches a port here is asked for no password"
_UNSEEN = "its open files may not be seen by this user"
_AS_OWNER = "run podkeeper doctor as the worker's own user, or as root"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _opened_by(scene: Scene, program: Program) -> str | None:
    """Return the setting that opens a program to other machines on purpose, if one does."""
    settings = scene.settings if scene.plan is None else scene.plan.settings
    if program.role == "webui" and settings.webui.allow_listen:
        return "webui.allow_listen"
    if program.role in ("watchdog", "platform"):
        address = getattr(settings, program.role).address
        return f"{program.role}.address" if address not in _LOOPBACK else None
    return None


def reachable(scene: Scene) -> Iterator[Check]:
    """Yield what each program listens on, and what of it others can reach."""
    for program, pid in scene.running:
        name = f"ports of {program.name}"
        found = listening(scene.families.get(program.name, [pid]), scene.root)
        if found is None:
            yield doubtful(name, _UNSEEN, _WHY, _AS_OWNER)
            continue
        shown = ", ".join(map(str, found)) or "none"
        outside = [each for each in found if not each.loopback]
        setting = _opened_by(scene, program)
        if outside and setting is None:
            mend = "make it listen on 127.0.0.1 alone (A1111: --server-name 127.0.0.1)"
            yield bad(name, f"open to other machines: {', '.join(map(str, outside))}", _WHY, mend)
        else:
            yield good(name, f"{shown}, as {setting} says" if outside else shown, _WHY)


def control(scene: Scene) -> Iterator[Check]:
    """Yield whether supervisord can be controlled through a port."""
    if scene.supervisord_pid is None:
        return
    name, why = "control port", "whoever reaches supervisord can run any command"
    found = listening([scene.supervisord_pid], scene.root)
    if found is None:
        yield doubtful(name, _UNSEEN, why, _AS_OWNER)
    elif found:
        mend = "take [inet_http_server] out of what supervisord was started with"
        yield bad(name, ", ".join(map(str, found)), why, mend)
    else:
        yield good(name, "none; control goes through the socket alone", why)
