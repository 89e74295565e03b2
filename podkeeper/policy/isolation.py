"""Does a program have the place among the others that it was to have?

Covers: what was wanted against what the kernel says. Pure.
Leaves out: reading either. What is unknown is no difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from podkeeper.model.isolation import Isolation, IsolationSeen

# What the kernel knows: setpriority(2), proc_pid_oom_score_adj(5).
_NICE_LEAST, _NICE_MOST = -20, 19
_OOM_LEAST, _OOM_MOST = -1000, 1000
#: The kernel's names of the limits that we set, and ours.
LIMITS = {
    "Max core file size": "core_bytes",
    "Max open files": "open_files",
    "Max processes": "processes",
    "Max address space": "address_space_bytes",
}
_WHY = {
    "user": "a program of another user reads and writes what it should not",
    "umask": "files that it makes are open to others than was wanted",
    "nice": "it takes processor time from the others, or lacks it",
    "oom_score_adj": "when memory runs out, the kernel kills in another order",
    "cpus": "it takes processor time from the others, or lacks it",
    "io_class": "it takes disk time from the others, or lacks it",
    "process group": "signals for its group reach others, and theirs reach it",
    "core_bytes": "a dump fills the disk, and shows prompts and keys",
    "open_files": "it fails with too many open files, earlier or later than planned",
    "processes": "nothing holds back a program that starts processes without end",
    "address_space_bytes": "nothing holds back its memory before the keeper does",
}


class Difference(NamedTuple):
    """One thing that is not as wanted."""

    what: str
    wanted: str
    got: str

    @property
    def why(self) -> str:
        """Return why it matters."""
        return _WHY[self.what]

    def __str__(self) -> str:
        """Return it as a clause."""
        return f"{self.what} is {self.got}, wanted {self.wanted}"


def _pairs(
    wanted: Isolation, seen: IsolationSeen, base: IsolationSeen, uid: int | None
) -> Iterator[tuple[str, object, object]]:
    """Yield name, wanted and got; either is None where it is unknown or nothing was asked for."""
    yield "user", uid, seen.uid
    yield "umask", int(wanted.umask, 8), None if seen.umask is None else int(seen.umask, 8)
    if base.nice is not None:
        sum_ = base.nice + wanted.nice
        yield "nice", max(_NICE_LEAST, min(_NICE_MOST, sum_)), seen.nice
    if base.oom_score_adj is not None:
        sum_ = base.oom_score_adj + wanted.oom_score_adj
        yield "oom_score_adj", max(_OOM_LEAST, min(_OOM_MOST, sum_)), seen.oom_score_adj
    yield "cpus", wanted.cpus or None, seen.cpus
    if wanted.io_class is not None:
        yield "io_class", wanted.io_class, seen.io_class
    yield "process group", seen.pid, seen.pgid


def _limit_pairs(wanted: Isolation, seen: IsolationSeen) -> Iterator[tuple[str, str, str]]:
    for kernel_name, name in LIMITS.items():
        limit = getattr(wanted, name)
        if limit is None or seen.limits is None or kernel_name not in seen.limits:
            continue
        got = seen.limits[kernel_name]
        if got != limit:
            yield name, str(limit), "unlimited" if got is None else str(got)


def _shown(what: str, value: object) -> str:
    if what == "umask" and isinstance(value, int):
        return f"{value:03o}"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def differences(
    wanted: Isolation, seen: IsolationSeen, base: IsolationSeen, uid: int | None
) -> list[Difference]:
    """Return what is not as wanted.

    `base` is supervisord's own place, to which niceness and the order of killing are added; `uid`
    the user that the program is to run as.
    """
    found = [
        Difference(what, _shown(what, hoped), _shown(what, got))
        for what, hoped, got in _pairs(wanted, seen, base, uid)
        if hoped is not None and got is not None and hoped != got
    ]
    return found + [Difference(*each) for each in _limit_pairs(wanted, seen)]
