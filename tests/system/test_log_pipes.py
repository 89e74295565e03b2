"""Standard output that nobody reads, a reader that dies, and programs that flood.

A1111's own trap is of this kind: when the reader of its standard output dies, every job fails.
Here the reader is supervisord, which ends with all programs or not at all.
"""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import flooding_webui
import pytest
from worker import DEADLINE_S, JOB, Worker, wait_for

from podkeeper.probes import process
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What supervisord may hold at most, whatever is written to it. It holds 25 MB at rest.
_MEMORY_BOUND_BYTES = 100 << 20
#: So that a restart takes as long as it takes.
_NO_BACKOFF = {
    "RESTART__BACKOFF_FIRST_S": "1ms",
    "RESTART__BACKOFF_MAX_S": "1ms",
    "RESTART__BUDGET": "1000",
}
_SMALLEST_PIPE_BYTES = 4096


class PipedWorker(Worker):
    """A worker whose standard output is a pipe that is read only when the test says so."""

    def __init__(self, folder: Path, flood: str) -> None:
        self._reader, writer = os.pipe()
        fcntl.fcntl(self._reader, fcntl.F_SETPIPE_SZ, _SMALLEST_PIPE_BYTES)
        self._thread: threading.Thread | None = None
        self._read_so_far = bytearray()
        self._flag = folder / "flood"
        script = Path(flooding_webui.__file__)
        command = [sys.executable, "-P", str(script), str(self._flag), flood, "{port}"]
        settings = {"WEBUI__COMMAND": shlex.join(command), **_NO_BACKOFF}
        super().__init__(folder, writer, **{f"PODKEEPER_{name}": v for name, v in settings.items()})
        os.close(writer)

    def read_on(self) -> None:
        """Read from now on."""
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while data := os.read(self._reader, 65536):
            self._read_so_far += data

    def lines(self) -> str:
        """Return what has been read."""
        return self._read_so_far.decode(errors="replace")

    def lose_reader(self) -> None:
        """Let the pipe's only reader die."""
        os.close(self._reader)
        self._reader = -1

    def close(self) -> None:
        """Close the pipe, once the worker has ended."""
        if self._thread is not None:
            self._thread.join(DEADLINE_S)
        if self._reader >= 0:
            os.close(self._reader)

    def ask(self, method: str) -> int:
        """Return a number that the plugin counts."""
        return int(Supervisord(self.plan.socket_path)._call(f"podkeeper.{method}"))

    @contextmanager
    def flood(self) -> Iterator[None]:
        """Let the WebUI flood its output meanwhile."""
        self._flag.touch()
        try:
            yield
        finally:
            self._flag.unlink()

    def rss_bytes(self) -> int:
        """Return what supervisord holds."""
        found = process.stat(self.process.pid)
        assert found is not None
        return found.rss_bytes

    def restart_s(self, name: str) -> float:
        """Return how long it takes from a kill to another process of the program."""
        old, begun_s = self.kill(name), time.monotonic()
        door = Supervisord(self.plan.socket_path)

        def pid() -> int:
            return next(each.pid for each in door.programs() if each.name == name)

        while pid() in (0, old):
            assert time.monotonic() - begun_s < DEADLINE_S, f"{name} did not come back"
        return time.monotonic() - begun_s


@contextmanager
def piped(flood: str = "lines") -> Iterator[PipedWorker]:
    """Run a worker on a pipe; it must end when it is told to, with exit code 0."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as name:
        worker = PipedWorker(Path(name), flood)
        try:
            worker.wait_until_ready()
            yield worker
        finally:
            code = worker.stop()
            worker.close()
        assert code == 0
        assert worker.marked() == []


def test_a_standard_output_that_nobody_reads_stops_nothing() -> None:
    """Programs come back, supervisorctl answers, jobs run; what was dropped is counted and said."""
    with piped() as worker:
        with worker.flood():
            wait_for(lambda: worker.ask("droppedLines"), "lines to be dropped")
        for name in ("webui", "handler", "watchdog", "keeper"):
            worker.wait_until_back(name, worker.kill(name))
        assert "RUNNING" in worker.ctl("status", "webui")
        assert worker.do(JOB).status == "COMPLETED"
        dropped = worker.ask("droppedLines")
        worker.read_on()
        said = wait_for(
            lambda: re.search(r"supervisord \| (\d+) lines dropped", worker.lines()), "the count"
        )
        assert int(said[1]) >= dropped > 0


def test_a_stop_does_not_wait_for_a_reader() -> None:
    """SIGTERM ends a worker whose output nobody reads, within the deadline and with code 0."""
    with piped() as worker, worker.flood():
        wait_for(lambda: worker.ask("droppedLines"), "lines to be dropped")


def test_a_reader_that_dies_stops_nothing() -> None:
    """Lines have nowhere to go; programs come back and jobs run all the same."""
    with piped() as worker:
        worker.read_on()
        assert worker.do(JOB).status == "COMPLETED"
    with piped() as worker:
        worker.lose_reader()
        with worker.flood():
            wait_for(lambda: worker.ask("droppedLines"), "lines to be dropped")
        for name in ("webui", "handler", "keeper"):
            worker.wait_until_back(name, worker.kill(name))
        assert worker.do(JOB).status == "COMPLETED"


@pytest.mark.parametrize("kind", sorted(flooding_webui.FLOODS))
def test_a_flood_costs_the_others_nothing(kind: str) -> None:
    """Memory stays bounded, other programs' lines come through, restarts stay short."""
    with piped(kind) as worker:
        worker.read_on()
        calm_s = [worker.restart_s("platform") for _ in range(5)]
        worker.wait_until_ready()
        with worker.flood():
            wait_for(lambda: worker.ask("suppressedKibibytes"), "output to be suppressed")
            flood_s = [worker.restart_s("platform") for _ in range(5)]
            worker.wait_until_ready()
            job = worker.do(JOB)
            assert job.status == "COMPLETED"
            assert worker.rss_bytes() < _MEMORY_BOUND_BYTES
        ended = f"job {job.id} ended: COMPLETED"
        wait_for(lambda: ended in worker.lines(), "another program's line")
        wait_for(lambda: re.search(r"of webui suppressed", worker.lines()), "the count")
        calm_ms, flood_ms = (1000 * statistics.median(each) for each in (calm_s, flood_s))
        print(f"{kind}: back after {calm_ms:.0f} ms, in a flood {flood_ms:.0f} ms")  # noqa: T201 - figures for -s
        assert max(flood_s) < DEADLINE_S
