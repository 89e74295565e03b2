"""What can the keeper see and do? The real ones are in `hooks.keeper` and `podkeeper.actuators`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from podkeeper.loops.hanging import Dumps
    from podkeeper.loops.sight import Sight
    from podkeeper.policy.orders import Order
    from podkeeper.policy.signals import Signal
    from podkeeper.supervisord import Death


class World(Protocol):
    """What the keeper can see. Real in `hooks.keeper`, made of values in tests."""

    def look(self) -> Sight:
        """Return what is seen now."""

    def deaths(self, after: int) -> list[Death]:
        """Return the deaths since one that is already known."""

    def orders(self, after: int) -> list[Order]:
        """Return operators' orders since one that is already known."""

    def is_running(self) -> bool:
        """Return whether supervisord runs programs rather than shutting down."""

    def oom_kills(self) -> int | None:
        """Return the kernel's out-of-memory kills so far."""

    def memory_of(self, program: str, main_pid: int, enough_bytes: float) -> int | None:
        """Return what a program's processes hold now, read anew, in bytes.

        Where the main one holds more than enough, nobody else is looked for.
        """

    def working_set(self) -> int | None:
        """Return what the container holds now, read anew, in bytes."""

    def luck(self) -> float:
        """Return a random number from 0 to 1, for jitter."""


class Giver(Protocol):
    """Who can give back what nobody needs. Real ones in `podkeeper.actuators`."""

    def can(self, signal: Signal, program: str) -> bool:
        """Return whether it could relieve a signal; the program is that of the signal."""

    def begin(self, signal: Signal, program: str, missing: float | None, *, idle: bool) -> None:
        """Begin to give back, in the background; nothing where that is on its way already.

        Args:
            signal: What is squeezed.
            program: Whose it is; empty where it is nobody's.
            missing: How much is wanted, in the signal's unit; None where that is not known.
            idle: Whether the program has no job in hand.
        """

    def finished(self) -> list[tuple[Signal, str]]:
        """Return what has ended since the last call, and what came of it."""


class Deeds(Protocol):
    """What the keeper can do. Real in `actuators.programs`, remembering in tests."""

    def start(self, program: str) -> str:
        """Start a program, and say what came of it."""

    def take_down(self, program: str) -> str:
        """Ask a program to end, and say what came of it."""

    def kill(self, program: str, main_pid: int) -> str:
        """Kill a program's processes, and say what came of it."""

    def clear(self, program: str, main_pid: int, ended_s: float) -> str:
        """Kill what is left of a life that ended, and say what came of it."""

    def end(self, exit_code: int, *, at_once: bool) -> str:
        """End the whole worker, and say what came of it."""

    def drop(self, program: str) -> str:
        """Take a program that is down out of supervisord, and say what came of it."""

    def add(self, program: str) -> str:
        """Give supervisord a program as the configuration now has it, and say what came of it."""

    def install(self) -> str:
        """Put the configuration that lies ready into place, and say what came of it."""


class Means(NamedTuple):
    """All that the keeper acts through."""

    hands: Deeds
    dumps: Dumps
    #: Who can be asked to give back what nobody needs.
    givers: Sequence[Giver] = ()
