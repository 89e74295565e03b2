"""How are programs started, taken down and swept away?

Covers: the keeper's hands. Each deed returns an outcome in words and never raises: a deed that
failed is something to record and try again, not a reason for the keeper to die.
Leaves out: whether a deed is due (`policy.duty`).
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import time
from typing import TYPE_CHECKING, Protocol, Self

from podkeeper.actuators import configuration
from podkeeper.errors import SupervisordError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from podkeeper.supervisord import Supervisord

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: Where nobody can be killed, before it is looked again.
_PAUSE_S = 0.002
#: A process for ever: its pid and its start in clock ticks since boot.
Identity = tuple[int, int]


class Processes(Protocol):
    """Where processes of a program are found (`podkeeper.probes`)."""

    def members(self, program: str, main_pid: int) -> Iterable[Identity]:
        """Return all processes that belong to a program's present or former lives."""

    def is_alive(self, identity: Identity) -> bool:
        """Return whether exactly this process still runs."""


class Hands:
    """Does what the judge found due."""

    def __init__(
        self,
        supervisord: Supervisord,
        processes: Processes,
        *,
        sweep_wait_s: float,
    ) -> None:
        self._supervisord = supervisord
        self._processes = processes
        self._sweep_wait_s = sweep_wait_s

    def start(self, program: str) -> str:
        """Sweep away what is left of the program's last life, then start it."""
        swept = self.sweep(program, 0)
        try:
            self._supervisord.start(program)
        except SupervisordError as error:
            return f"failed: {error}"
        return f"started{f', after killing {swept} left over' if swept else ''}"

    def take_down(self, program: str) -> str:
        """Ask supervisord to stop the program."""
        try:
            self._supervisord.stop(program)
        except SupervisordError as error:
            return f"failed: {error}"
        return "asked to stop"

    def kill(self, program: str, main_pid: int) -> str:
        """Kill the whole process tree of a program."""
        return f"killed {self.sweep(program, main_pid)} processes"

    def end(self, exit_code: int, *, at_once: bool) -> str:
        """Stop everything in order and end supervisord with an exit code.

        At once, the handler is killed first, so that nobody waits for its jobs.
        """
        killed = self.sweep("handler", 0) if at_once else 0
        try:
            self._supervisord.shut_down(exit_code)
        except SupervisordError as error:
            return f"failed: {error}"
        return f"shutting down{f', killed {killed} processes first' if killed else ''}"

    def clear(self, program: str, main_pid: int, ended_s: float) -> str:
        """Kill what is left of a life that ended at a monotonic instant, and of those before it.

        A life that somebody else has started since is spared.
        """
        since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic() + ended_s
        killed = self.sweep(program, main_pid, before_ticks=int(since_boot_s * _TICKS_PER_S))
        return (
            f"{killed} processes were left over and killed" if killed else "nothing was left over"
        )

    def drop(self, program: str) -> str:
        """Take a program that is down out of supervisord."""
        try:
            self._supervisord.remove(program)
        except SupervisordError as error:
            return f"failed: {error}"
        return "taken out"

    def add(self, program: str) -> str:
        """Sweep away what is left of the program, then take it in as the configuration has it."""
        self.sweep(program, 0)
        try:
            self._supervisord.read_configuration()
            self._supervisord.add(program)
        except SupervisordError as error:
            return f"failed: {error}"
        return "taken in"

    def install(self) -> str:
        """Put the configuration that lies ready into place."""
        return configuration.install(self._supervisord)

    def sweep(self, program: str, main_pid: int, before_ticks: float = math.inf) -> int:
        """Kill every process of the program and wait, bounded, until none is left.

        Args:
            program: Its name.
            main_pid: Its main process, or the last one it had; 0 where there was none.
            before_ticks: Those that started at this tick since boot or later are spared.

        Returns:
            How many were killed.
        """
        killed: set[Identity] = set()
        deadline_s = time.monotonic() + self._sweep_wait_s

        def found() -> list[Identity]:
            members = self._processes.members(program, main_pid)
            return [each for each in members if each[1] < before_ticks]

        # Again until nothing is found: a process may fork while it is looked for.
        while left := found():
            with _Dying() as dying:
                for identity in left:
                    killed |= {identity} if self._kill(identity, dying) else set()
                dying.wait(deadline_s - time.monotonic())
            if time.monotonic() > deadline_s:
                break
        return len(killed)

    def _kill(self, identity: Identity, dying: _Dying) -> bool:
        """Kill one process if it is still the one that was found.

        The pidfd pins the process: between the look and the kill its pid can be given to another.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            handle = os.pidfd_open(identity[0])
            dying.add(handle)
            if self._processes.is_alive(identity):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        return False


class _Dying:
    """Processes that were killed: a large one takes a while to give its memory back.

    Waiting for the kernel's word leaves it the processor that looking again and again would take.
    """

    def __init__(self) -> None:
        self._poll = select.poll()
        self._handles: set[int] = set()

    def __enter__(self) -> Self:
        """Hold their pidfds."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let them go."""
        for handle in self._handles:
            os.close(handle)

    def add(self, handle: int) -> None:
        """Take a pidfd."""
        self._handles.add(handle)
        self._poll.register(handle, select.POLLIN)

    def wait(self, longest_s: float) -> None:
        """Wait until all of them have ended, or for so long."""
        until_s, left = time.monotonic() + longest_s, len(self._handles)
        while left and (left_s := until_s - time.monotonic()) > 0:
            for handle, _ in self._poll.poll(left_s * 1000):
                self._poll.unregister(handle)
                left -= 1
        if not self._handles:
            time.sleep(_PAUSE_S)
