"""`podkeeper demo`: the whole worker once, for somebody without a GPU or an account."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from podkeeper.cli.submit import read_job, send
from podkeeper.cli.worker import ask
from podkeeper.console import text
from podkeeper.errors import PlanError, PodkeeperError, SupervisordError
from podkeeper.paths import conf_dir
from podkeeper.probes import proc
from podkeeper.settings import plan as plans
from podkeeper.settings.layers import PREFIX
from podkeeper.sim.platform import address, pictures, show

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from podkeeper.console.report import Report
    from podkeeper.settings.plan import Plan
    from podkeeper.sim.platform.client import JobState

NAME = "demo"
HELP = "Bring the whole worker up, send one job through it, keep its picture, and stop it all."

_POLL_S = 0.1
_LOG_LINES = 40


class DemoError(PodkeeperError):
    """The demo did not come to its end."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--job", type=Path, default=conf_dir() / "examples" / "txt2img.json")
    parser.add_argument("--output", type=Path, default=Path("podkeeper-demo.png"))
    parser.add_argument(
        "--deadline", type=float, default=60.0, help="seconds for each of the steps (default: 60)"
    )


class Steps:
    """Says what happens now, and how long it has been since the start."""

    def __init__(self) -> None:
        self._begun_s = time.monotonic()

    def __call__(self, words: str) -> None:
        """Say one step."""
        print(f"[{time.monotonic() - self._begun_s:5.1f} s] {words}", flush=True)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on at this moment."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def environment_of(folder: Path) -> dict[str, str]:
    """Return an environment whose worker lives in a folder of its own, beside any other."""
    webui, watchdog, platform = free_ports(3)
    own = {
        "WORKER__PROFILE": "simulator",
        "WORKER__RUNTIME_DIR": str(folder / "run"),
        "WORKER__STATE_DIR": str(folder / "state"),
        "WEBUI__PORT": str(webui),
        "WATCHDOG__PORT": str(watchdog),
        "PLATFORM__PORT": str(platform),
        "PLATFORM__ENABLED": "yes",
        # An idle handler leaves when its open poll returns; nobody wants to watch that.
        "PLATFORM__HOLD_S": "1s",
    }
    foreign = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
    return {**foreign, **{f"{PREFIX}{name}": value for name, value in own.items()}}


def left_over(run_id: str) -> list[int]:
    """Return the pids that still carry the mark of a start."""
    marks = proc.Marks()
    marked = ((each, marks.of(each)) for each in proc.scan().values() if each.alive)
    return [each.pid for each, mark in marked if mark is not None and mark[1] == run_id]


@contextmanager
def running(folder: Path, environ: dict[str, str], deadline_s: float) -> Iterator[Path]:
    """Run `podkeeper up` and give its log's path; stop it however the demo ends."""
    log_path = folder / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "podkeeper", "up"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield log_path
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_lines(log_path: Path) -> str:
    return "\n".join(log_path.read_text(errors="replace").splitlines()[-_LOG_LINES:])


def _try_report(plan_path: Path) -> tuple[Plan, Report] | None:
    try:
        plan = plans.read(plan_path)
        return plan, ask(plan)
    except (PlanError, SupervisordError):
        return None


def wait_until_ready(plan_path: Path, steps: Steps, deadline_s: float) -> Plan:
    """Wait until the worker can take a job, saying what it waits for.

    Raises:
        DemoError: It was not ready in time.
    """
    said, until_s = "", time.monotonic() + deadline_s
    while time.monotonic() < until_s:
        found = _try_report(plan_path)
        if found is not None:
            plan, report = found
            running_now = [each.name for each in report.programs if each.state == "RUNNING"]
            words = f"running: {', '.join(running_now)}"
            if words != said:
                steps(words)
                said = words
            if report.ready:
                return plan
        time.sleep(_POLL_S)
    raise DemoError(f"the worker was not ready within {deadline_s:g} s")


def _do_job(options: argparse.Namespace, environ: dict[str, str], steps: Steps) -> JobState:
    body = read_job(options.job)
    client = address.find(environ)
    first = send(client, body, sync=False)
    steps(f"job {first.id} sent: {body['input'].get('prompt', '')!r}")
    shown = show.ProgressLine(sys.stdout)
    try:
        state = client.wait(first.id, shown, options.deadline)
    finally:
        shown.close()
    if state.status != "COMPLETED":
        raise DemoError(f"the job ended as {state.status}: {show.failure_of(state)}")
    return state


def _keep_picture(state: JobState, folder: Path, wanted: Path) -> Path:
    saved = pictures.save(state, folder)
    if not saved:
        raise DemoError("the job's result has no picture")
    wanted.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(saved[0], wanted)).resolve()


def _tell(options: argparse.Namespace, folder: Path, steps: Steps) -> str:
    """Run the demo in a folder and return the start's id."""
    environ = environment_of(folder)
    steps("starting supervisord with a simulated WebUI and a local RunPod platform")
    with running(folder, environ, options.deadline) as log_path:
        try:
            plan = wait_until_ready(folder / "run" / plans.FILE_NAME, steps, options.deadline)
            state = _do_job(options, environ, steps)
            steps(show.summary(state))
            steps(f"picture: {_keep_picture(state, folder, options.output)}")
            print(f"\n{text.status(ask(plan), colour=sys.stdout.isatty())}\n", flush=True)
        except BaseException:
            print(f"--- the worker's last lines ---\n{_last_lines(log_path)}", file=sys.stderr)
            raise
        steps("stopping: the handler drains first, then the WebUI, then the rest")
    return plan.run_id


def run(options: argparse.Namespace) -> int:
    """Run the demo; exit code 0 only if a picture was made and nothing is left running."""
    steps = Steps()
    # A short path: a unix socket's may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="podkeeper-", dir="/tmp") as folder:
        run_id = _tell(options, Path(folder), steps)
    remains = left_over(run_id)
    if remains:
        raise DemoError(f"processes are left: {', '.join(map(str, remains))}")
    steps("nothing is left running")
    return 0
