"""What is the simulator told to do wrong, and when?

Covers: the faults and their parameters, switching them at start and at run time, and carrying out
those that stop a job. Faults of requests are carried out in `middleware`, those of the start in
`main`.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from podkeeper.errors import PodkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Jobs = Annotated[int, Meta(ge=0)]
_Ratio = Annotated[float, Meta(ge=0, le=1)]


class FaultError(PodkeeperError):
    """There is no such fault, or it has no such parameter."""

    exit_code = 2


class Fault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault, with its parameters."""


class SlowStart(Fault):
    """Starting and loading take this many times as long."""

    factor: Annotated[float, Meta(ge=1)] = 10.0


class NeverReady(Fault):
    """The port never opens (at start only), or every route answers 503."""

    mode: Literal["closed", "503"] = "closed"


class DieAtStart(Fault):
    """The process ends before its port opens."""

    exit_code: Annotated[int, Meta(ge=0, le=255)] = 1


class HtmlErrors(Fault):
    """Requests get an error page of a proxy instead of JSON: those for jobs, or all of them."""

    scope: Literal["jobs", "all"] = "jobs"
    status: Annotated[int, Meta(ge=400, le=599)] = 500


class Hang(Fault):
    """A job stands still at a progress, or every route does, until the fault is switched off."""

    scope: Literal["job", "all"] = "job"
    after_jobs: _Jobs = 0
    at_progress: _Ratio = 0.5


class Die(Fault):
    """The process kills itself (SIGKILL) at a progress of the job after so many."""

    after_jobs: _Jobs = 0
    at_progress: _Ratio = 0.5


class Oom(Fault):
    """So many jobs run out of video memory; `seen_as` is how the server words it."""

    jobs: Annotated[int, Meta(ge=1)] = 1
    seen_as: Literal["OutOfMemoryError", "ExceptionGroup", "text"] = "OutOfMemoryError"


class Leak(Fault):
    """Each job leaves real RAM behind."""

    bytes: _Jobs = 64 * 1024 * 1024


class Cache(Fault):
    """Each job leaves real RAM behind that the server gives back when it is asked to reclaim."""

    bytes: _Jobs = 64 * 1024 * 1024


class Fill(Fault):
    """The job after so many takes real RAM at a progress, as fast as it can, and keeps it."""

    bytes: Annotated[int, Meta(ge=1)] = 256 * 1024 * 1024
    after_jobs: _Jobs = 0
    at_progress: _Ratio = 0.5


F = TypeVar("F", bound=Fault)

KINDS: dict[str, type[Fault]] = {
    "slow_start": SlowStart,
    "never_ready": NeverReady,
    "die_at_start": DieAtStart,
    "html_errors": HtmlErrors,
    "hang": Hang,
    "die": Die,
    "oom": Oom,
    "leak": Leak,
    "cache": Cache,
    "fill": Fill,
}


def make(name: str, parameters: object, *, strict: bool = True) -> Fault:
    """Return a fault of that name.

    Raises:
        FaultError: The name or a parameter is wrong.
    """
    if name not in KINDS:
        raise FaultError(f"cannot switch on {name!r}: the faults are {', '.join(KINDS)}")
    try:
        return msgspec.convert(parameters, KINDS[name], strict=strict)
    except msgspec.ValidationError as error:
        raise FaultError(f"cannot switch on {name!r}: {error}") from error


def parse(text: str) -> tuple[str, Fault]:
    """Return the fault that a setting such as `die:after_jobs=2:at_progress=0.3` names.

    Raises:
        FaultError: It names none.
    """
    name, *parts = text.split(":")
    return name, make(name, dict(part.split("=", 1) for part in parts if "=" in part), strict=False)


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Faults:
    """The faults that are switched on."""

    def __init__(self, texts: Iterable[str] = (), *, die: Callable[[], None] = _kill_self) -> None:
        self._changed = threading.Condition()
        self._active: dict[str, Fault] = dict(parse(text) for text in texts)
        self._jobs_begun: dict[str, int] = {}
        self._die = die

    def get(self, kind: type[F]) -> F | None:
        """Return the fault of that kind if it is on."""
        with self._changed:
            return next((each for each in self._active.values() if isinstance(each, kind)), None)

    def switch(self, wanted: dict[str, Any]) -> None:
        """Switch faults on (a table of parameters) or off (None); all of them or, on error, none.

        Raises:
            FaultError: A name or a parameter is wrong.
        """
        made = {
            name: make(name, value) if value is not None else None for name, value in wanted.items()
        }
        with self._changed:
            for name, fault in made.items():
                self._active.pop(name, None)
                self._jobs_begun.pop(name, None)
                if fault is not None:
                    self._active[name] = fault
            self._changed.notify_all()

    def active(self) -> dict[str, object]:
        """Return what is on, with its parameters."""
        with self._changed:
            return {name: msgspec.to_builtins(fault) for name, fault in self._active.items()}

    def job_begins(self) -> None:
        """Count a job, for the faults that wait for one."""
        with self._changed:
            for name in self._active:
                self._jobs_begun[name] = self._jobs_begun.get(name, 0) + 1

    def take_oom(self) -> Oom | None:
        """Return the out-of-memory fault if this job is to have it, and count it down."""
        with self._changed:
            fault = self._active.get("oom")
            if not isinstance(fault, Oom):
                return None
            left = fault.jobs - 1
            if left:
                self._active["oom"] = msgspec.structs.replace(fault, jobs=left)
            else:
                del self._active["oom"]
            return fault

    def take_fill(self, progress_ratio: float) -> int:
        """Return how much RAM the running job takes at this progress, and switch that fault off."""
        with self._changed:
            fault = self._active.get("fill")
            if not isinstance(fault, Fill) or not self._due("fill", progress_ratio):
                return 0
            del self._active["fill"]
            return fault.bytes

    def at(self, progress_ratio: float) -> None:
        """Carry out what the running job meets at this progress: death, or standing still."""
        with self._changed:
            if self._due("die", progress_ratio):
                self._die()
            self._changed.wait_for(lambda: not self._due("hang", progress_ratio))

    def _due(self, name: str, progress_ratio: float) -> bool:
        fault = self._active.get(name)
        if isinstance(fault, Hang) and fault.scope == "all":
            return False
        if not isinstance(fault, Hang | Die | Fill):
            return False
        return (
            self._jobs_begun.get(name, 0) > fault.after_jobs and progress_ratio >= fault.at_progress
        )
