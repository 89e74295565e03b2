"""Does a program still live, by its own answer?

Covers: one question by HTTP, TCP or a command, and how many have failed in a row.
Leaves out: when to ask (`probes.readiness`, which keeps all questions to one program apart), and
what follows (`podkeeper.policy.liveness`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING, NamedTuple

from podkeeper.loopback import in_words
from podkeeper.probes.http import Answer, get

if TYPE_CHECKING:
    from podkeeper.settings.plan import Liveness

#: Statuses of a server that lives: what Kubernetes takes for it.
_LIVING = range(200, 400)


class Sign(NamedTuple):
    """One answer."""

    alive: bool
    detail: str


class Streak(NamedTuple):
    """The newest answer, and how many have failed since the last that did not."""

    alive: bool | None = None
    failures: int | None = None
    detail: str | None = None
    #: When a failure was counted last, on the monotonic clock.
    counted_s: float = 0.0


NO_STREAK = Streak()


def sign_of(answer: Answer) -> Sign:
    """Return whether an HTTP answer is one of a server that lives."""
    return Sign(answer.status in _LIVING, answer.detail)


def counted(before: Streak, sign: Sign, at_s: float, period_s: float) -> Streak:
    """Return the streak after one more answer; failures faster than the period count once."""
    if sign.alive:
        return Streak(alive=True, failures=0, detail=sign.detail)
    failures, counted_s = before.failures or 0, before.counted_s
    if not failures or at_s - counted_s >= period_s:
        failures, counted_s = failures + 1, at_s
    return Streak(alive=False, failures=failures, detail=sign.detail, counted_s=counted_s)


def connect(port: int, timeout_s: float) -> Sign:
    """Return whether somebody on the loopback interface takes a connection."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout_s):
            return Sign(alive=True, detail="connected")
    except OSError as error:
        return Sign(alive=False, detail=in_words(error, timeout_s))


def execute(command: list[str], timeout_s: float) -> Sign:
    """Return whether a command ends with 0 in time; what it leaves of its group is killed."""
    import subprocess  # noqa: PLC0415 - a tenth of the watchdog's memory, for one kind of probe

    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        return Sign(alive=False, detail=f"cannot run {command[0]}: {error.strerror}")
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return Sign(alive=False, detail=f"no end in {timeout_s:g} s")
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return Sign(alive=code == 0, detail=f"exit code {code}")


def ask(probe: Liveness) -> Sign:
    """Return the answer to one question of a probe of its own."""
    if probe.kind == "exec":
        return execute(probe.command, probe.timeout_s)
    if probe.kind == "tcp":
        return connect(probe.port, probe.timeout_s)
    return sign_of(get(probe.url, probe.timeout_s))


def asks_itself(probe: Liveness) -> bool:
    """Return whether a probe has a question of its own, rather than counting readiness answers."""
    return probe.kind != "http" or bool(probe.url)
