"""What is one simulated server made of?"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from podkeeper.sim.webui.card import Card
from podkeeper.sim.webui.faults import Faults, SlowStart
from podkeeper.sim.webui.fifo import FifoLock
from podkeeper.sim.webui.job_log import JobLog
from podkeeper.sim.webui.models import Models
from podkeeper.sim.webui.options import Options
from podkeeper.sim.webui.progress import Progress
from podkeeper.sim.webui.ram import Ram

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.settings.sim_webui import SimWebUISettings
    from podkeeper.sim.webui.jobs import Job


@dataclass(frozen=True)
class Flags:
    """What the command line of the real server decides too."""

    ui: bool = False
    api_server_stop: bool = False
    options_file: Path | None = None


class Counters:
    """How many jobs there were, and how they ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.values = {"jobs_begun": 0, "jobs_done": 0, "jobs_failed": 0, "images": 0}

    def count(self, name: str, by: int = 1) -> None:
        """Count one more, or `by` more."""
        with self._lock:
            self.values[name] += by


@dataclass
class World:
    """One simulated server: its settings, and everything that lasts from request to request."""

    settings: SimWebUISettings
    flags: Flags
    faults: Faults
    options: Options
    card: Card
    ram: Ram
    models: Models
    jobs: JobLog
    progress: Progress = field(default_factory=Progress)
    queue: FifoLock = field(default_factory=FifoLock)
    counters: Counters = field(default_factory=Counters)
    #: The job whose turn it is.
    running: Job | None = None
    #: Ends the server after its running requests, as `server-stop` does with the UI.
    stop: Callable[[], None] = lambda: None
    made_at_s: float = field(default_factory=time.monotonic)

    @property
    def start_factor(self) -> float:
        """Return by how much starting takes longer than it should."""
        slow = self.faults.get(SlowStart)
        return slow.factor if slow else 1.0


def make_world(
    settings: SimWebUISettings,
    flags: Flags | None = None,
    faults: Faults | None = None,
    *,
    baseline_s: float = 0.0,
) -> World:
    """Return a server that has just started and has loaded nothing.

    Args:
        settings: The simulator's own.
        flags: Its command line.
        faults: What it does wrong; those of the settings where none are given.
        baseline_s: How long after a job it is read what that left behind.

    Raises:
        FaultError: The settings name a fault that does not exist.
    """
    flags = flags or Flags()
    faults = faults or Faults(settings.faults)
    if settings.leak_bytes:
        faults.switch({"leak": {"bytes": settings.leak_bytes}})
    options = Options(flags.options_file)
    card, ram = Card(settings.vram_bytes), Ram(real=settings.real_ram)
    models = Models(settings, options, card, ram)
    jobs = JobLog(ram, card, models, baseline_s)
    return World(settings, flags, faults, options, card, ram, models, jobs)
