"""The handler on the real SDK, the local platform and two WebUIs, each of which can fail alone.

Covers: starting, killing and freezing them, and looking at the journal and the platform's own word.
Leaves out: which fault is done when (`durability_scenes`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from durability_webui import ScriptedWebUI, Scripts
from handler_process import killed, plan_of, started

from podkeeper.model.journal import Entry
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import platform_environment
from podkeeper.sim.platform.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
#: Long: machines that run tests are shared, and slow for minutes.
PATIENCE_S = 120.0
_SETTINGS = (
    "journal.hold_s=2s",
    "journal.beat_s=500ms",
    "journal.take_up_s=10min",
    "journal.delivery_timeout_s=2s",
    "journal.backoff_first_s=50ms",
    "journal.backoff_max_s=500ms",
    "journal.poll_backoff_max_s=500ms",
    "journal.leave_s=30s",
    "handler.interrupt_wait_s=5s",
    "runpod.ping_interval_s=1s",
)
_PLATFORM = (
    "platform.hold_s=2s",
    "platform.ping_loss_s=6s",
    "platform.forget_s=3s",
    "platform.max_requeues=100",
    "platform.execution_timeout_s=10min",
)


def _free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
        return port


class Rig:
    """All of it, in one folder."""

    def __init__(self, folder: Path, *, accept_late_results: bool) -> None:
        """Start everything.

        Args:
            folder: Where all files go.
            accept_late_results: Whether the platform takes a result of a job that it has requeued.
        """
        self.folder = folder
        self.scripts = Scripts()
        self._webuis = [ScriptedWebUI(self.scripts) for _ in range(2)]
        late = f"platform.accept_late_results={str(accept_late_results).lower()}"
        self._chosen = (f"platform.port={_free_port()}", late, *_PLATFORM)
        settings = load(Source(assignments=self._chosen)).settings
        self._environment = {
            **platform_environment(settings),
            "RUNPOD_AI_API_KEY": "test-key",
            "RUNPOD_PING_INTERVAL": "1000",
            "RUNPOD_LOG_LEVEL": "INFO",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }
        self._plan = plan_of(folder, [each.readiness_url for each in self._webuis], _SETTINGS)
        self.base = f"http://127.0.0.1:{settings.platform.port}"
        self.client = Client(f"{self.base}/v2/{settings.platform.endpoint}", None)
        self.lines: list[str] = []
        self.handlers = 0
        self.start_platform()
        self.start_handler()

    # The platform

    def start_platform(self) -> None:
        """Start the platform, which goes on where it was, and wait until it answers."""
        state = str(self.folder / "platform.sqlite3")
        chosen = [word for each in self._chosen for word in ("--set", each)]
        self._platform = subprocess.Popen(
            [sys.executable, "-m", "podkeeper.sim.platform", "--state-file", state, *chosen],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._platform_answers, "the platform")

    def _platform_answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self._ask("/ready") is not None
        return False

    def stop_platform(self) -> None:
        """Kill the platform: connections to it are refused from now on."""
        self._platform.kill()
        self._platform.wait()

    def _ask(self, path: str, body: object = None, method: str | None = None) -> bytes:
        data = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(self.base + path, data, method=method)  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - the same
            found: bytes = answer.read()
        return found

    def fault(self, **fault: object) -> None:
        """Have the platform misbehave."""
        self._ask("/platform/faults", fault, "POST")

    def no_faults(self) -> None:
        """Have it behave again."""
        self._ask("/platform/faults", method="DELETE")

    def story(self, job_id: str) -> dict[str, Any]:
        """Return what the platform knows of a job."""
        found: dict[str, Any] = msgspec.json.decode(self._ask(f"/platform/jobs/{job_id}"))
        return found

    def kinds(self, job_id: str) -> list[str]:
        """Return what has happened to a job, in order."""
        return [each["kind"] for each in self.story(job_id)["events"]]

    # The handler

    def start_handler(self) -> None:
        """Start a handler, as the keeper does when the last one has ended."""
        out, own = os.pipe()
        self.process = started(self.folder, self._plan, self._environment, own)
        os.close(own)
        self.handlers += 1
        threading.Thread(target=self._read, args=(out,), daemon=True).start()

    def _read(self, out: int) -> None:
        with os.fdopen(out, encoding="utf-8", errors="replace") as lines:
            self.lines.extend(line.rstrip("\n") for line in lines)

    def wait_for_handler(self) -> None:
        """Wait until the SDK takes jobs, which it does once it heeds SIGTERM."""
        wait_for(self._heeds_sigterm, "a handler that asks for jobs")

    def _heeds_sigterm(self) -> bool:
        assert self.process.poll() is None, "the handler has ended: " + "\n".join(self.lines[-20:])
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        caught = int(status.partition("SigCgt:")[2].split()[0], 16)
        return bool(caught >> (signal.SIGTERM - 1) & 1)

    def kill_handler(self) -> None:
        """Kill it, and what is left of it."""
        killed(self.process)

    def restart_handler(self) -> None:
        """Kill the handler and start another."""
        self.kill_handler()
        self.start_handler()

    def signal_handler(self, number: int, *, group: bool = False) -> None:
        """Send it a signal, or to all of its session."""
        (os.killpg if group else os.kill)(self.process.pid, number)

    def wait_for_end(self) -> int:
        """Return the exit code of a handler that is leaving."""
        return self.process.wait(PATIENCE_S)

    def fill_disk(self, *, full: bool) -> None:
        """Let the handler write no file any more, or any file again."""
        most = 0 if full else resource.RLIM_INFINITY
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    # The journal

    @property
    def journal_path(self) -> Path:
        """Return where it is."""
        return self.folder / "handler" / "journal.sqlite3"

    def entry(self, job_id: str) -> Entry | None:
        """Return what the journal says of a job, from outside; None where it says nothing."""
        with contextlib.suppress(sqlite3.Error):
            reader = sqlite3.connect(f"file:{self.journal_path}?mode=ro", uri=True)
            with contextlib.closing(reader):
                row = reader.execute("SELECT record FROM entry WHERE id = ?", (job_id,)).fetchone()
                return None if row is None else msgspec.json.decode(row[0], type=Entry)
        return None

    @contextlib.contextmanager
    def locked_journal(self) -> Any:
        """Keep the handler from writing its journal within the block."""
        holder = sqlite3.connect(self.journal_path, isolation_level=None, timeout=PATIENCE_S)
        holder.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            holder.execute("ROLLBACK")
            holder.close()

    # The end

    def close(self) -> int:
        """Stop all of it; return how the handler ended."""
        try:
            with contextlib.suppress(ProcessLookupError):
                self.signal_handler(signal.SIGTERM)
            return self.wait_for_end()
        finally:
            if self.process.poll() is None:
                self.kill_handler()
            self.stop_platform()
            for webui in self._webuis:
                webui.close()


def wait_for(condition: Callable[[], T], what: str) -> T:
    """Return the condition's value once it is truthy.

    Raises:
        AssertionError: It was not in time.
    """
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        value = condition()
        if value:
            return value
        time.sleep(0.005)
    raise AssertionError(f"waited {PATIENCE_S:g} s in vain for {what}")
