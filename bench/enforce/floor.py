"""What would the fastest supervisor there can be take? The kernel alone, without any."""

from __future__ import annotations

import os
import select
import signal
import time
from typing import TYPE_CHECKING

from bench.common.running import spawn, wait_for
from bench.enforce.peers.base import LIMIT_MIB, TAKEN_MIB
from bench.enforce.trials import NS_PER_MS, noted

if TYPE_CHECKING:
    from pathlib import Path


def floor_ms(folder: Path, program: Path) -> float:
    """Return the time from SIGKILL to the end of a program that has taken all it takes."""
    folder.mkdir()
    command = [str(program), str(folder), str(LIMIT_MIB), str(TAKEN_MIB)]
    process = spawn(command, folder / "log")
    wait_for(lambda: noted(folder / "starts"), "the program to start")
    process.send_signal(signal.SIGUSR1)
    wait_for(lambda: noted(folder / "held"), "the program to hold all")
    handle = os.pidfd_open(process.pid)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    killed_ns = time.monotonic_ns()
    process.kill()
    poll.poll()
    gone_ns = time.monotonic_ns()
    os.close(handle)
    process.wait()
    return (gone_ns - killed_ns) / NS_PER_MS
