"""Operators' orders, given to a whole worker with real processes."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import JOB, Worker, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_JOB = {**JOB, "steps": 60}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a worker that is ready."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        started = Worker(Path(folder))
        try:
            started.wait_until_ready()
            yield started
        finally:
            code = started.stop()
        assert code == 0
        assert started.marked() == []


def test_a_drain_finishes_the_job_in_hand_and_takes_no_other(worker: Worker) -> None:
    """The job completes, the next one waits in the queue until resume."""
    incidents = len(worker.incidents())
    job = worker.begin(LONG_JOB)
    drained = worker.command("drain", "--wait", "--timeout", "80")
    assert (drained.returncode, drained.stdout) == (0, "drained\n"), drained.stderr
    assert worker.wait_for_job(job).status == "COMPLETED"
    waiting = worker.submit(JOB)
    status = worker.command("status")
    assert status.returncode == 1
    assert "drained on request since" in status.stdout
    assert worker.line("handler").state in {"STOPPED", "EXITED"}
    assert worker.command("resume").returncode == 0
    assert worker.wait_for_job(waiting).status == "COMPLETED"
    worker.wait_until_ready()
    assert len(worker.incidents()) == incidents


def test_a_keeper_killed_while_drained_starts_no_handler(worker: Worker) -> None:
    """What is wanted outlives the keeper."""
    assert worker.command("drain", "--wait").returncode == 0
    pid = worker.kill("keeper")
    wait_for(lambda: worker.line("keeper").pid not in (None, pid), "another keeper")
    wait_for(
        lambda: any(each.closed_at_s for each in worker.incidents()), "the incident to be closed"
    )
    assert worker.line("handler").pid is None
    assert worker.command("resume").returncode == 0
    worker.wait_until_ready()


def test_a_restart_when_idle_cuts_no_job(worker: Worker) -> None:
    """The job ends on the old WebUI, then there is a new one, and no incident."""
    incidents, pid = len(worker.incidents()), worker.line("webui").pid
    job = worker.begin(LONG_JOB)
    restarted = worker.command("restart", "webui", "--when-idle", "--wait")
    assert restarted.returncode == 0, restarted.stderr
    state = worker.wait_for_job(job)
    assert state.status == "COMPLETED"
    assert worker.line("webui").pid != pid
    worker.wait_until_ready()
    assert len(worker.incidents()) == incidents


@pytest.mark.parametrize("name", ["webui", "handler", "watchdog", "keeper"])
def test_any_program_can_be_restarted_by_its_name(worker: Worker, name: str) -> None:
    """Another process runs afterwards and nobody calls it an incident."""
    incidents, pid = len(worker.incidents()), worker.line(name).pid
    assert worker.command("restart", name).returncode == 0
    wait_for(lambda: worker.line(name).pid not in (None, pid), f"another {name}")
    worker.wait_until_ready()
    assert len(worker.incidents()) == incidents
    assert worker.do(JOB).status == "COMPLETED"


def test_a_restart_of_nobody_is_refused(worker: Worker) -> None:
    """The names that there are stand in the message."""
    refused = worker.command("restart", "webuj")
    assert refused.returncode == 2
    assert "webui" in refused.stderr


def test_supervisorctl_is_enough(worker: Worker) -> None:
    """Its verbs answer what the commands answer, and act."""
    worker.wait_until_back("webui", worker.kill("webui"))
    number = worker.incidents()[0].id
    assert "SIGKILL" in worker.ctl("incidents", "1")
    assert f"Incident {number}: webui" in worker.ctl("explain", str(number))
    assert worker.command("explain", str(number)).stdout == worker.ctl("explain", str(number))
    assert "HARD" in worker.ctl("resources")
    budget = next(line for line in worker.ctl("budget").splitlines() if line.startswith("webui"))
    assert int(budget.split()[1]) >= 1
    assert "Finish the jobs in hand" in worker.ctl("help", "drain")
    assert "draining" in worker.ctl("drain")
    wait_for(lambda: worker.line("handler").pid is None, "a drained worker")
    assert "takes jobs again" in worker.ctl("resume")
    worker.wait_until_ready()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["explain", "999999"], 1),
        (["explain"], 2),
        (["incidents", "x"], 2),
        (["drain", "now"], 2),
        (["budget", "webui"], 2),
    ],
)
def test_supervisorctl_refuses_what_it_cannot_do(
    worker: Worker, words: list[str], code: int
) -> None:
    """Exit codes are those of supervisorctl's own verbs."""
    done = worker.ctl_done(*words)
    assert done.returncode == code, done.stdout
    assert done.stdout.strip()


def test_a_second_sigterm_hurries() -> None:
    """The first waits for the job; the second does not, and nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        worker = Worker(Path(folder), PODKEEPER_WORKER__HURRY_WAIT_S="500ms")
        try:
            worker.wait_until_ready()
            job = worker.submit({**JOB, "steps": 150, "n_iter": 10})
            wait_for(lambda: worker.progress_of(job) > 0, "progress")
            worker.process.send_signal(signal.SIGTERM)
            wait_for(lambda: "to die" in worker.log_text(), "a stop that waits")
            assert worker.process.poll() is None
        finally:
            worker.stop()
        assert "asked again to stop" in worker.log_text()
        assert worker.marked() == []


def pids(worker: Worker) -> dict[str, int | None]:
    """Return each program's process."""
    return {name: worker.line(name).pid for name in ("webui", "handler", "watchdog", "platform")}


def test_a_reload_restarts_only_what_changed_and_cuts_no_job(worker: Worker) -> None:
    """A variable of the WebUI alone: the job ends first, then another WebUI has the variable."""
    worker.wait_until_ready()
    incidents, before = len(worker.incidents()), pids(worker)
    job = worker.begin(LONG_JOB)
    words = ["--set", "webui.environment.SEEN_BY_THE_WEBUI=secret-to-all-others", "--wait"]
    reloaded = worker.command("reload", *words)
    assert reloaded.returncode == 0, reloaded.stderr
    assert "replaces webui" in reloaded.stdout
    assert worker.wait_for_job(job).status == "COMPLETED"
    worker.wait_until_ready()
    after = pids(worker)
    assert after["webui"] != before["webui"]
    assert (after["watchdog"], after["platform"]) == (before["watchdog"], before["platform"])
    environ = Path(f"/proc/{after['webui']}/environ").read_bytes()
    assert b"SEEN_BY_THE_WEBUI=secret-to-all-others" in environ
    conf = (worker.folder / "run" / "supervisord.conf").read_text()
    assert "secret-to-all-others" not in conf
    assert len(worker.incidents()) == incidents
    assert worker.do(JOB).status == "COMPLETED"


def test_a_reload_without_a_change_restarts_nobody(worker: Worker) -> None:
    """What the last reload was given still counts."""
    before = pids(worker)
    reloaded = worker.command("reload", "--wait")
    assert (reloaded.returncode, reloaded.stdout) == (0, "nothing changes\n"), reloaded.stderr
    assert pids(worker) == before


def test_a_reload_with_a_bad_setting_changes_nothing(worker: Worker) -> None:
    """The setting is named, and the files in use are as they were."""
    conf = worker.folder / "run" / "supervisord.conf"
    before, text = pids(worker), conf.read_bytes()
    refused = worker.command("reload", "--set", "webui.port=no-port")
    assert refused.returncode == 2
    assert "webui.port" in refused.stderr
    refused = worker.command("reload", "--set", "worker.runtime_dir=/elsewhere")
    assert refused.returncode == 2
    assert (pids(worker), conf.read_bytes()) == (before, text)


def test_a_reload_of_the_handlers_settings_replaces_the_handler(worker: Worker) -> None:
    """They stand in the plan, not in its section; the digest tells."""
    before = pids(worker)
    reloaded = worker.command("reload", "--set", "handler.max_steps=5", "--wait")
    assert reloaded.returncode == 0, reloaded.stderr
    assert "replaces handler" in reloaded.stdout
    worker.wait_until_ready()
    after = pids(worker)
    assert after["handler"] != before["handler"]
    assert after["webui"] == before["webui"]
    assert worker.do({**JOB, "steps": 6}).status == "FAILED"
