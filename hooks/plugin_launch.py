"""How is a program launched without waiting for a second Python?

`python -m hooks.launch …` is how supervisord's configuration starts every program, and what it
does stands in `hooks.launch`. But the child that supervisord forks is a Python with all of that
loaded already: so the child does the launcher's work itself and becomes the program, instead of
becoming a new Python first, which takes longer than all the rest of a restart. What is private is
read in the child alone, after it has become the program's user; supervisord never holds it.

The descriptors that the program must not inherit are closed in one go, for the same reason.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
from typing import Any

from hooks import launch

#: What stands between the interpreter and the launcher's own arguments; see `settings.plan`.
SHAPE = ["-P", "-m", "hooks.launch"]
#: What the launcher loads when it comes to it. Loaded here once, no start pays for it, and a child
#: that has become another user need not be able to read our libraries.
PRELOADED = ("json", "resource", "hooks.isolate")
#: The same for programs of other users alone: it takes a megabyte.
PRELOADED_FOR_USERS = ("ctypes",)
_FIRST_FD = 3
#: What supervisord catches, and its child must not: a stop that comes now is meant for the child.
_CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def launcher_arguments(argv: list[str]) -> list[str] | None:
    """Return the launcher's arguments in a command line, or None where it is not the launcher's."""
    end = 1 + len(SHAPE)
    return argv[end:] if argv[1:end] == SHAPE else None


class ForkLauncher:
    """Stands between a child of supervisord and its exec."""

    def __init__(self, supervisord: Any) -> None:
        self._options = supervisord.options
        self._supervisord_pid = os.getpid()
        self._closed_all = False

    def attach(self) -> None:
        """Make supervisord's children launch themselves."""
        for name in (*PRELOADED, *(PRELOADED_FOR_USERS if self._changes_users() else ())):
            importlib.import_module(name)
        self._options.fork = self.fork
        self._options.execve = self.execve
        self._options.close_fd = self.close_fd

    def _changes_users(self) -> bool:
        """Return whether any program runs as a user of its own."""
        groups = getattr(self._options, "process_group_configs", None) or ()
        return any(process.uid is not None for group in groups for process in group.process_configs)

    def fork(self) -> int:
        """Fork; the child heeds signals from its first moment.

        What came before would be noted for supervisord's own handlers, which the child has but
        never runs, and be lost: a stop right after a start would wait for its SIGKILL.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _CAUGHT)
        try:
            pid = os.fork()
            if pid == 0:
                for number in _CAUGHT:
                    signal.signal(number, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid

    def execve(self, filename: str, argv: list[str], environ: dict[str, str]) -> None:
        """Become the program; called in the child.

        Returns only where that is not possible, which was said on standard error; then supervisord
        ends the child with status 127.

        Raises:
            OSError: It is not the launcher's command line, and cannot be executed either.
        """
        words = launcher_arguments(argv)
        if words is None:
            os.execve(filename, argv, environ)  # noqa: S606 - no shell is the point
        os.environ.clear()
        os.environ.update(environ)
        launch.main(words or [])

    def close_fd(self, fd: int) -> None:
        """Close a descriptor; a child closes all from 3 up at its first call."""
        if os.getpid() == self._supervisord_pid:
            with contextlib.suppress(OSError):
                os.close(fd)
        elif not self._closed_all:
            os.closerange(max(fd, _FIRST_FD), self._options.minfds)
            self._closed_all = True
