"""Has each program the place among the others that its settings give it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from podkeeper.doctor.check import Check, bad, doubtful, good
from podkeeper.policy.isolation import LIMITS, Difference, differences
from podkeeper.probes.isolation import seen as look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.doctor.scene import Scene
    from podkeeper.model.isolation import IsolationSeen
    from podkeeper.settings.plan import Program

_WHY = "a program that goes wrong must not take the others with it"


def _in_words(seen: IsolationSeen) -> str:
    limits = seen.limits or {}
    shown = {
        "user": seen.uid,
        "umask": seen.umask,
        "nice": seen.nice,
        "oom_score_adj": seen.oom_score_adj,
        "processors": None if seen.cpus is None else len(seen.cpus),
        "disk I/O": seen.io_class,
        **{name: limits.get(kernel, "unknown") for kernel, name in LIMITS.items()},
    }
    words = {name: "unlimited" if name in LIMITS.values() else "unknown" for name in shown}
    return ", ".join(
        f"{name} {words[name] if value is None else value}" for name, value in shown.items()
    )


def _wrong(program: Program, difference: Difference) -> Check:
    name, what = f"isolation of {program.name}", difference.what
    if what == "user":
        mend = f"restart the worker; the setting is {program.role}.user"
        return bad(name, str(difference), difference.why, mend)
    mend = f"see what the log says at its start of what cannot be isolated, or set {program.role}."
    mend += what
    if what == "process group":
        mend = "start it without a wrapper that changes its process group"
    return doubtful(name, str(difference), difference.why, mend)


def isolation(scene: Scene) -> Iterator[Check]:
    """Yield what each running program has, or each thing that it lacks."""
    if scene.supervisord_pid is None:
        return
    base = look(scene.supervisord_pid, scene.root)
    for program, pid in scene.running:
        seen = look(pid, scene.root)
        found = differences(program.isolation, seen, base, scene.uid_of(program))
        if not found:
            yield good(f"isolation of {program.name}", _in_words(seen), _WHY)
        for difference in found:
            yield _wrong(program, difference)
