"""What can the keeper see and do? The real ones are in `hooks.keeper` and `podkeeper.actuators`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from podkeeper.loops.sight import Sight
    from podkeeper.policy.orders import Order
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

    def luck(self) -> float:
        """Return a random number from 0 to 1, for jitter."""


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
