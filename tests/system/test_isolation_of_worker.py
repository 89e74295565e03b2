"""A worker whose programs are kept apart: what is declared is what the kernel shows."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import JOB, Worker, wait_for

from podkeeper.cli.demo import environment_of
from podkeeper.probes import isolation

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU = min(os.sched_getaffinity(0))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a worker whose WebUI and handler have much of their own."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        started = Worker(
            Path(folder),
            RUNPOD_AI_API_KEY="rpa_0123456789ABCDEFsecret",
            PODKEEPER_WEBUI__NICE="2",
            PODKEEPER_WEBUI__CPUS=str(CPU),
            PODKEEPER_WEBUI__IO_CLASS="best-effort",
            PODKEEPER_WEBUI__IO_LEVEL="6",
            PODKEEPER_WEBUI__UMASK="077",
            PODKEEPER_HANDLER__OPEN_FILES="900",
            PODKEEPER_HANDLER__PROCESSES="20000",
        )
        try:
            started.wait_until_ready()
            yield started
        finally:
            assert started.stop() == 0


def seen(worker: Worker, name: str) -> isolation.IsolationSeen:
    """Return what the kernel says of a program."""
    pid = worker.line(name).pid
    assert pid is not None
    return isolation.seen(pid)


def test_what_is_declared_is_what_the_kernel_shows(worker: Worker) -> None:
    """Every program, each with what its settings say, in a group of its own."""
    base = isolation.seen(worker.process.pid)
    assert base.nice is not None
    assert base.oom_score_adj is not None
    webui, handler = seen(worker, "webui"), seen(worker, "handler")
    assert (webui.nice, webui.cpus) == (min(19, base.nice + 2), [CPU])
    assert (webui.io_class, webui.io_level, webui.umask) == ("best-effort", 6, "0077")
    assert handler.limits is not None
    assert handler.limits["Max open files"] == 900
    assert handler.limits["Max processes"] == 20000
    assert (handler.nice, handler.umask) == (base.nice, "0022")
    order = {name: seen(worker, name) for name in ("webui", "handler", "watchdog", "keeper")}
    for name, each in order.items():
        assert each.pgid == each.pid, name
        assert each.limits is not None
        assert each.limits["Max core file size"] == 0, name
    scores = [each.oom_score_adj for each in order.values()]
    most = [min(1000, base.oom_score_adj + added) for added in (800, 300, 100, 0)]
    assert scores == most


def test_the_doctor_says_so_and_changes_nothing(worker: Worker) -> None:
    """Every check of a worker that is well is ok, and the worker goes on."""
    said = worker.command("doctor")
    assert said.returncode == 0, said.stdout + said.stderr
    found = {each["name"]: each for each in worker.json("doctor")["checks"]}
    for name in ("webui", "handler", "watchdog", "keeper", "platform"):
        assert found[f"isolation of {name}"]["level"] == "ok"
        assert found[f"ports of {name}"]["level"] == "ok"
    assert f"127.0.0.1:{worker.plan.settings.webui.port}" in found["ports of webui"]["seen"]
    assert found["control port"]["level"] == "ok"
    assert found["RunPod key"]["level"] == "ok"
    assert worker.do(JOB).status == "COMPLETED"
    assert worker.incidents() == []


def test_what_is_taken_away_afterwards_is_found(worker: Worker) -> None:
    """A program that left its place, and a secret that was opened, are both named."""
    pid = worker.line("platform").pid
    assert pid is not None
    os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + 1)
    secret = Path(str(worker.plan.program("handler").private_environment))
    secret.chmod(0o604)
    try:
        said = worker.command("doctor")
    finally:
        secret.chmod(0o600)
    assert said.returncode == 2
    assert "nice is" in said.stdout
    assert f"chmod 0600 {secret}" in said.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")
def test_a_program_of_another_user_has_its_place_and_its_name() -> None:
    """User, order of killing, limits and HOME are there; its secrets are its own."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        started = Worker(
            Path(folder),
            PODKEEPER_WEBUI__USER="nobody",
            PODKEEPER_WEBUI__DIRECTORY="/",
            PODKEEPER_WEBUI__COMMAND="/bin/sleep 600",
            PODKEEPER_WEBUI__OPEN_FILES="300",
            PODKEEPER_WEBUI__ENVIRONMENT__HUSH="s3cret",
        )
        try:
            pid = wait_for(
                lambda: started.report() and started.line("webui").pid, "a webui that runs"
            )
            wait_for(
                lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n", "the program itself"
            )
            found = seen(started, "webui")
            environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            checks = {each["name"]: each for each in started.json("doctor")["checks"]}
            log = started.log_text()
        finally:
            started.stop()
    assert "cannot isolate" not in log
    assert (found.uid, found.pgid) == (nobody.pw_uid, found.pid)
    assert found.oom_score_adj is not None
    assert found.oom_score_adj >= 800
    assert found.limits is not None
    assert found.limits["Max open files"] == 300
    assert {b"HUSH=s3cret", b"USER=nobody", f"HOME={nobody.pw_dir}".encode()} <= set(environ)
    names = ("isolation of webui", "secrets of webui", "secrets of handler", "runtime folder")
    assert {name: checks[name]["level"] for name in names} == dict.fromkeys(names, "ok")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as other users")
def test_a_handler_of_another_user_reaches_its_journal_and_nothing_beside_it() -> None:
    """Its folder in the state folder is its own; the ledger there is not for its eyes."""
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        state = Path(folder) / "state"
        looks = (
            f"cd {state} && touch handler/reached && (cat ledger.sqlite3 || touch handler/refused)"
        )
        started = Worker(
            Path(folder),
            PODKEEPER_HANDLER__USER="nobody",
            PODKEEPER_HANDLER__COMMAND=f"/bin/sh -c '{looks} >/dev/null 2>&1; sleep 600'",
            PODKEEPER_HANDLER__STOP_WAIT_S="91s",
        )
        try:
            wait_for((state / "handler" / "refused").exists, "the handler to have looked")
            own = (state / "handler" / "reached").stat()
            assert started.plan.journal_path.parent == state / "handler"
            assert own.st_uid == nobody.pw_uid
            checks = {each["name"]: each for each in started.json("doctor")["checks"]}
        finally:
            started.stop()
    assert checks["state folder"]["level"] == "ok"


def test_a_variable_that_opens_the_webui_stops_the_start(tmp_path: Path) -> None:
    """COMMANDLINE_ARGS that is merely passed on is looked at as well."""
    command = "python launch.py --api --nowebui --server-name 127.0.0.1 --port {port}"
    result = subprocess.run(
        [sys.executable, "-m", "podkeeper", "up"],
        env={
            **environment_of(tmp_path),
            "PODKEEPER_WEBUI__COMMAND": command,
            "COMMANDLINE_ARGS": "--xformers --listen",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert result.returncode == 2
    assert "COMMANDLINE_ARGS" in result.stderr
    assert "--listen opens it to other machines" in result.stderr
    assert not (tmp_path / "run").exists()
