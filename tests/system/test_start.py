"""What stops a start, and how it is said."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import Worker, wait_for

from podkeeper.cli.demo import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator


FAILING_WEBUI = "sh -c 'echo \"OSError: [Errno 98] Address already in use\" >&2; exit 3'"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder whose name leaves room for a unix socket's path."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as name:
        yield Path(name)


def up(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run `podkeeper up` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "podkeeper", "up"],
        env={**environment_of(folder), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PODKEEPER_WEBUI__PORT", "99999", ["webui.port", "99999", "65535"]),
        ("PODKEEPER_WEBUI__PROT", "3000", ["webui.prot", "did you mean webui.port"]),
        ("PODKEEPER_WEBUI__MEMORY_SOFT", "lots", ["webui.memory_soft", "lots", "6GiB"]),
        ("PODKEEPER_WEBUI__MEMORY_HARD", "1GiB", ["webui.memory_soft", "below"]),
        ("PODKEEPER_WEBUI__COMMAND", "sh -c 'x", ["webui.command"]),
        ("PODKEEPER_WEBUI__USER", "nobody-like-this", ["webui.user", "no such user"]),
        ("PODKEEPER_WEBUI__COMMAND", "/no/such/webui", ["webui.command", "/no/such/webui"]),
        ("PODKEEPER_WEBUI__DIRECTORY", "/no/such/place", ["webui.directory", "/no/such/place"]),
        ("PODKEEPER_CONFIG", "/no/such/file.toml", ["/no/such/file.toml"]),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(
    folder: Path, variable: str, value: str, words: list[str]
) -> None:
    """The line names setting, value and what is allowed; exit code 2; nothing is written."""
    result = up(folder, **{variable: value})
    assert result.returncode == 2
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]
    assert not (folder / "run").exists()


def test_a_taken_port_is_named_before_anything_starts(folder: Path) -> None:
    """The line says which setting wants a port that somebody else has."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = up(folder, PODKEEPER_WEBUI__PORT=port)
    assert result.returncode == 2
    assert "webui.port" in result.stderr
    assert port in result.stderr


def test_a_webui_that_cannot_start_is_given_up_with_its_reason(folder: Path) -> None:
    """A WebUI that leaves at once ends in incidents that say why, not in a silent loop."""
    worker = Worker(
        folder,
        PODKEEPER_WEBUI__COMMAND=FAILING_WEBUI,
        PODKEEPER_RESTART__BUDGET="2",
        PODKEEPER_RESTART__BACKOFF_FIRST_S="100ms",
        PODKEEPER_RESTART__ESCALATION="hold",
    )
    try:
        wait_for(
            lambda: worker.report() and "Gave up on webui" in worker.log_text(),
            "the keeper to give up",
        )
        assert worker.line("handler").state == "STOPPED"
        assert worker.command("status").returncode == 2
        incident = worker.incidents()[-1]
        assert incident.cause == "port_taken"
        assert "code 3" in incident.sentence
        assert "webui | OSError: [Errno 98] Address already in use" in worker.log_text()
    finally:
        worker.stop()


def test_too_much_memory_ends_in_a_restart_with_the_figures(folder: Path) -> None:
    """A WebUI over its hard limit is taken down and comes back; the incident has the reading."""
    worker = Worker(
        folder,
        PODKEEPER_WEBUI__MEMORY_SOFT="150MiB",
        PODKEEPER_WEBUI__MEMORY_HARD="200MiB",
        PODKEEPER_SIM_WEBUI__REAL_RAM="true",
        PODKEEPER_SIM_WEBUI__CHECKPOINT_RAM_BYTES="300MiB",
    )
    try:
        wait_for(
            lambda: (
                worker.report()
                and [each for each in worker.incidents() if each.cause == "memory_hard"]
            ),
            "an incident for memory",
        )
        incident = next(each for each in worker.incidents() if each.cause == "memory_hard")
        assert incident.program == "webui"
        assert incident.evidence["program_memory_bytes"] > 200 << 20
        wait_for(lambda: worker.line("webui").pid not in (None, incident.pid), "another webui")
    finally:
        worker.stop()


def test_ctrl_c_drains_and_stops(folder: Path) -> None:
    """SIGINT, as a terminal sends it, is a clean stop that leaves nothing running."""
    worker = Worker(folder)
    worker.wait_until_ready()
    run_pids = worker.marked()
    assert len(run_pids) >= 5
    os.kill(worker.process.pid, 2)
    assert worker.process.wait(90) == 0
    assert worker.marked() == []
    worker.stop()


def test_a_killed_supervisord_leaves_nothing_running(folder: Path) -> None:
    """Programs without a supervisor would take jobs and hold ports; the keeper ends them."""
    worker = Worker(folder)
    worker.wait_until_ready()
    os.kill(worker.process.pid, 9)
    worker.process.wait(90)
    wait_for(lambda: worker.marked() == [], "the end of every orphan")
    worker.stop()


def test_a_worker_that_gave_up_ends_with_its_own_exit_code(folder: Path) -> None:
    """The platform sees that the worker did not just finish, and the ledger says why."""
    worker = Worker(
        folder,
        PODKEEPER_WEBUI__COMMAND=FAILING_WEBUI,
        PODKEEPER_RESTART__BUDGET="1",
    )
    assert worker.process.wait(90) == 70
    assert worker.marked() == []
    incidents = worker.incidents()
    assert {each.cause for each in incidents} == {"port_taken"}
    assert any("already in use" in line for line in incidents[0].evidence["last_lines"])
    worker.stop()
