"""How are the processes of a bench started, waited for and ended?"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
_POLL_S = 0.005
_STOP_S = 30.0


def wait_for(condition: Callable[[], T], what: str, deadline_s: float = 60.0) -> T:
    """Return the condition's value once it is truthy.

    Raises:
        TimeoutError: It was not in time.
    """
    until_s = time.monotonic() + deadline_s
    while time.monotonic() < until_s:
        value = condition()
        if value:
            return value
        time.sleep(_POLL_S)
    raise TimeoutError(f"waited {deadline_s:g} s in vain for {what}")


def spawn(
    command: Sequence[str], log: Path, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output in a file."""
    with log.open("ab") as out:
        return subprocess.Popen(
            command,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it where it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def pids_of(binary: Path) -> list[int]:
    """Return the processes that run a file of ours."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "exe").readlink() == binary:
                found.append(int(entry.name))
    return found


def kill_all_of(binary: Path) -> None:
    """Kill what still runs a file that this bench itself made."""
    for _ in range(100):
        left = pids_of(binary)
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_S)
