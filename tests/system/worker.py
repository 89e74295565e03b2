"""A whole worker for tests: real supervisord, real SDK, its own folders and ports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, TypeVar

from podkeeper.cli.demo import environment_of, left_over
from podkeeper.cli.worker import ask, incidents_of
from podkeeper.errors import PlanError, SupervisordError
from podkeeper.settings import plan as plans
from podkeeper.sim.platform import address, show

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.console.report import ProgramLine, Report
    from podkeeper.model.incident import Incident
    from podkeeper.settings.plan import Plan
    from podkeeper.sim.platform.client import JobState

# Long: machines that run tests are shared, and slow for minutes.
DEADLINE_S = 90.0
JOB = {"prompt": "a lighthouse", "steps": 4, "width": 256, "height": 256, "seed": 7}


T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str, deadline_s: float = DEADLINE_S) -> T:
    """Return the condition's value once it is truthy.

    Raises:
        AssertionError: It was not in time.
    """
    until_s = time.monotonic() + deadline_s
    while time.monotonic() < until_s:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {deadline_s:g} s in vain for {what}")


class Worker:
    """One `podkeeper up`."""

    def __init__(self, folder: Path, output: int | None = None, **settings: str) -> None:
        """Start it.

        Args:
            folder: Where all its files go.
            output: Descriptor of its standard output; a file where there is none.
            settings: Variables of its environment.
        """
        self.folder = folder
        self.environ = {**environment_of(folder), **settings}
        self.log_path = folder / "log"
        self._log = self.log_path.open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "podkeeper", "up"],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=self._log if output is None else output,
            stderr=self._log,
            start_new_session=True,
        )

    @property
    def plan(self) -> Plan:
        """The plan of this start."""
        return plans.read(self.folder / "run" / plans.FILE_NAME)

    def report(self) -> Report | None:
        """Return how it is, or None while nobody answers."""
        try:
            return ask(self.plan)
        except (PlanError, SupervisordError):
            return None

    def ready(self) -> bool:
        """Return whether it can take a job and nothing is wrong."""
        report = self.report()
        return report is not None and report.ready and not report.open_incidents

    def wait_until_ready(self) -> None:
        """Wait until it can take a job."""
        wait_for(self.ready, f"a ready worker; its log:\n{self.log_text()[-3000:]}")

    def line(self, name: str) -> ProgramLine:
        """Return one program's line of the report."""
        report = wait_for(self.report, "an answer of supervisord")
        return next(each for each in report.programs if each.name == name)

    def kill(self, name: str) -> int:
        """Kill a program's main process and return its pid."""
        pid = self.line(name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_until_back(self, name: str, old_pid: int) -> None:
        """Wait until another process of the program runs and the worker is ready."""
        wait_for(lambda: self.line(name).pid not in (None, old_pid), f"another {name}")
        self.wait_until_ready()

    def incidents(self) -> list[Incident]:
        """Return this start's incidents, newest first."""
        return incidents_of(self.plan)

    def submit(self, job: dict[str, Any]) -> str:
        """Queue a job and return its id."""
        return address.find(self.environ).submit(job).id

    def begin(self, job: dict[str, Any]) -> str:
        """Queue a job and return its id once the WebUI works on it."""
        name = self.submit(job)
        wait_for(lambda: self.progress_of(name) > 0, "progress")
        return name

    def progress_of(self, job_id: str) -> float:
        """Return how far a job is, from 0 to 1."""
        return show.progress_of(address.find(self.environ).status(job_id)) or 0.0

    def wait_for_job(self, job_id: str) -> JobState:
        """Return a job once it has ended."""
        return address.find(self.environ).wait(job_id, lambda _: None, DEADLINE_S)

    def do(self, job: dict[str, Any]) -> JobState:
        """Run a job to its end."""
        return self.wait_for_job(self.submit(job))

    def post(self, path: str, body: dict[str, Any]) -> int:
        """Post to the simulated WebUI and return the status of its answer."""
        port = int(self.environ["PODKEEPER_WEBUI__PORT"])
        with closing(HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)) as connection:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status

    def switch(self, **faults: Any) -> None:
        """Switch faults of the simulated WebUI."""
        assert self.post("/sim/faults", faults) == 200

    def ctl(self, *words: str) -> str:
        """Run supervisorctl on it and return what it prints."""
        return self.ctl_done(*words).stdout

    def ctl_done(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run supervisorctl on it and return how it ended."""
        conf = str(self.folder / "run" / "supervisord.conf")
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", conf, *words]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=DEADLINE_S
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a podkeeper command on it."""
        return subprocess.run(
            [sys.executable, "-m", "podkeeper", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )

    def json(self, *words: str) -> Any:
        """Return what a command prints for machines."""
        return json.loads(self.command(*words, "--json").stdout)

    def log_text(self) -> str:
        """Return all lines so far."""
        return self.log_path.read_text(errors="replace")

    def marked(self) -> list[int]:
        """Return the pids that carry this start's mark."""
        return left_over(self.plan.run_id)

    def stop(self) -> int:
        """Stop it and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._log.close()
