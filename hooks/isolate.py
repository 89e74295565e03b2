"""How does a process take the place among others that its settings give it?

Covers: one word such as `nice=5:oom=800:cpus=0,1:core=0:nofile=4096`, applied to this very process
before it becomes the program. What the kernel refuses is told and does not stop the start: a worker
that runs less apart is better than none, and `podkeeper doctor` shows it again.
Leaves out: user and umask, which supervisord applies; where the word comes from (`settings.plan`).

A restart waits for this file: modules that not every program needs are loaded where they are used.
"""

from __future__ import annotations

import os

# For the checker alone: typing costs 3 ms.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_OOM_FILE = "/proc/self/oom_score_adj"
_OOM_MOST = 1000
_PR_SET_DUMPABLE = 4
#: ioprio_set(2) has no number in os or signal; these two machines are what GPUs sit in.
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_IO_CLASSES = {"realtime": 1, "best-effort": 2, "idle": 3}
_IO_CLASS_SHIFT = 13


def _nice(text: str) -> str:
    os.nice(int(text))
    return text


def _show_to_own_user() -> None:
    """Give this process's files in /proc to the user it has become.

    Between a change of user and the next exec they belong to root, as `prctl(2)` says of
    PR_SET_DUMPABLE: the fork of supervisord that becomes a program is just there.
    """
    import ctypes  # noqa: PLC0415 - costs 4 ms, and only a program of another user asks for it

    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def _oom(text: str) -> str:
    if os.stat(_OOM_FILE).st_uid != os.geteuid():  # noqa: PTH116 - pathlib costs 3 ms
        _show_to_own_user()
    with open(_OOM_FILE) as file:  # noqa: PTH123 - pathlib costs 3 ms
        own = int(file.read())
    with open(_OOM_FILE, "w") as file:  # noqa: PTH123 - the same
        file.write(str(max(-_OOM_MOST, min(_OOM_MOST, own + int(text)))))
    return text


def _cpus(text: str) -> str:
    os.sched_setaffinity(0, {int(each) for each in text.split(",")})
    return ",".join(str(each) for each in sorted(os.sched_getaffinity(0)))


def _io(text: str) -> str:
    import ctypes  # noqa: PLC0415 - costs 4 ms, and few ask for it

    name, _, level = text.partition(",")
    priority = (_IO_CLASSES[name] << _IO_CLASS_SHIFT) | (0 if name == "idle" else int(level))
    number = _IOPRIO_SET.get(os.uname().machine)
    if number is None:
        raise OSError(f"no ioprio_set known for {os.uname().machine}")
    if ctypes.CDLL(None, use_errno=True).syscall(number, 1, 0, priority) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return text


def _limit(name: str, text: str) -> str:
    """Set a limit, as near to what is wanted as the hard limit lets us come.

    Of open files only the soft limit is set, which a program may raise: it protects the program
    from itself. The others protect its neighbours, and are final.
    """
    import resource  # noqa: PLC0415 - costs 1 ms

    wanted, which = int(text), getattr(resource, name)
    _, hard = resource.getrlimit(which)
    keeps_hard = name == "RLIMIT_NOFILE" and (hard == resource.RLIM_INFINITY or wanted <= hard)
    try:
        resource.setrlimit(which, (wanted, hard if keeps_hard else wanted))
    except (OSError, ValueError, OverflowError):
        if hard == resource.RLIM_INFINITY:
            raise
        resource.setrlimit(which, (hard, hard))
    return str(resource.getrlimit(which)[0])


#: How each part is applied. The address space comes last: what it binds is this process as well.
_PARTS: dict[str, Callable[[str], str]] = {
    "nice": _nice,
    "oom": _oom,
    "cpus": _cpus,
    "io": _io,
    "core": lambda text: _limit("RLIMIT_CORE", text),
    "nofile": lambda text: _limit("RLIMIT_NOFILE", text),
    "nproc": lambda text: _limit("RLIMIT_NPROC", text),
    "as": lambda text: _limit("RLIMIT_AS", text),
}


def isolate(word: str) -> list[str]:
    """Apply what the word says and return, in words, what could not be had.

    Raises:
        ValueError: The word is not of the form above.
    """
    wanted = dict(part.split("=", 1) for part in word.split(":"))
    if not wanted.keys() <= _PARTS.keys():
        raise ValueError(f"{word} names what cannot be set; known are {', '.join(_PARTS)}")
    refused = []
    for name, apply in _PARTS.items():
        if name not in wanted:
            continue
        try:
            got = apply(wanted[name])
            if got != wanted[name]:
                refused.append(
                    f"{name}: wanted {wanted[name]}, got {got}: more is not allowed here"
                )
        except (OSError, OverflowError, ValueError, ImportError) as error:
            cause = getattr(error, "strerror", None) or error
            refused.append(f"{name}: wanted {wanted[name]}, left as it is: {cause}")
    return refused
