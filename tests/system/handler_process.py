"""A handler process with the real SDK, in a folder of its own, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

# Shared with the unit tests; test folders are not packages.
sys.path.append(str(Path(__file__).parents[1] / "unit" / "handler"))

from handler_standins import PATIENCE_S, StandInWebUI, wait_for

from podkeeper.settings import plan as plans
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handler_standins import StandInGateway

QUICK = (
    "handler.progress_period_s=20ms",
    "handler.ready_wait_s=20s",
    "webui.probe_period_s=50ms",
    "webui.probe_timeout_s=10s",
)


def plan_of(folder: Path, readiness_urls: Sequence[str], assignments: tuple[str, ...]) -> Path:
    """Return the plan of a worker with these WebUIs, in a file of the folder."""
    count = f"webui.instances={len(readiness_urls)}"
    settings = load(Source(assignments=(*QUICK, count, *assignments))).settings
    around = Surroundings(
        python=sys.executable,
        directory=str(folder),
        runtime_dir=folder,
        state_dir=folder,
        memory_capacity_bytes=16 << 30,
        platform_named=True,
        version="test",
        run_id="test",
        made_at_s=0.0,
    )
    made = make_plan(settings, around)
    own = [
        msgspec.structs.replace(program, readiness_url=url)
        for program, url in zip(made.of_role("webui"), readiness_urls, strict=True)
    ]
    programs = [*own, *(each for each in made.programs if each.role != "webui")]
    return plans.write(msgspec.structs.replace(made, programs=programs))


def started(
    folder: Path, plan: Path, platform: Mapping[str, str], output: int
) -> subprocess.Popen[bytes]:
    """Return a handler that has been started, in a session of its own."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        **platform,
        "HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
        "PODKEEPER_PLAN": str(plan),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "handler"],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a handler and all that is left of it, as the keeper does: its heartbeat outlives it."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(PATIENCE_S)


class Running:
    """A handler process with its surroundings."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """Return what it has written."""
        return self._log.read_text()

    def leave(self) -> int:
        """Return its exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@contextmanager
def handler(
    folder: Path,
    gateway: StandInGateway,
    webui: StandInWebUI | Sequence[StandInWebUI],
    *assignments: str,
) -> Iterator[Running]:
    """Run the handler until the end of the block."""
    webuis = [webui] if isinstance(webui, StandInWebUI) else webui
    plan = plan_of(folder, [each.readiness_url for each in webuis], assignments)
    log = folder / "handler.log"
    with log.open("ab") as file:
        process = started(folder, plan, gateway.environment(), file.fileno())
    try:
        wait_for(lambda: gateway.takes_open or process.poll() is not None, "a poll for jobs")
        yield Running(process, log)
    except BaseException:
        print(log.read_text())  # noqa: T201 - why the test failed
        raise
    finally:
        if process.poll() is None:
            killed(process)
