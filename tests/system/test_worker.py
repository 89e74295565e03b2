"""The whole worker, with real processes that are really killed."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from worker import JOB, Worker, wait_for

from podkeeper.probes import proc

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "rpa_0123456789ABCDEFsecret"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """Give a worker that is ready, with a key that must stay secret."""
    with tempfile.TemporaryDirectory(prefix="pk-", dir="/tmp") as folder:
        started = Worker(Path(folder), RUNPOD_AI_API_KEY=SECRET, HF_TOKEN="hf_of_the_webui")
        try:
            started.wait_until_ready()
            yield started
        finally:
            run_id = started.plan.run_id
            code = started.stop()
        assert code == 0
        marks = proc.Marks()
        left = [each for each in proc.scan().values() if (marks.of(each) or ("", ""))[1] == run_id]
        assert [each for each in left if each.alive] == []


def test_a_job_goes_through_and_says_how_far_it_is(worker: Worker) -> None:
    """A job in plain A1111 words ends with its picture, its info and its seed."""
    state = worker.do(JOB)
    assert state.status == "COMPLETED"
    assert len(state.output["images"]) == 1
    assert state.output["seeds"] == [7]


def test_a_bad_input_fails_with_field_value_and_what_is_allowed(worker: Worker) -> None:
    """The client learns what to change; nothing reaches the WebUI."""
    state = worker.do({**JOB, "steps": 0})
    assert state.status == "FAILED"
    assert re.search(r"INPUT_INVALID.*steps.*0.*1.*150", str(state.error))


def test_an_unknown_field_is_named_with_what_was_meant(worker: Worker) -> None:
    """A typing error is no silent default."""
    state = worker.do({**JOB, "stepz": 4})
    assert state.status == "FAILED"
    assert "stepz" in str(state.error)
    assert "steps" in str(state.error)


@pytest.mark.parametrize("name", ["webui", "handler", "watchdog", "keeper", "platform"])
def test_what_is_killed_comes_back_and_the_next_job_completes(worker: Worker, name: str) -> None:
    """SIGKILL of any program ends in another process, an incident with its cause, and work."""
    pid = worker.kill(name)
    worker.wait_until_back(name, pid)
    assert worker.do(JOB).status == "COMPLETED"
    (incident,) = wait_for(
        lambda: [each for each in worker.incidents() if each.pid == pid], "the incident"
    )
    assert (incident.program, incident.cause) == (name, "signal")
    assert "SIGKILL" in incident.sentence
    wait_for(
        lambda: all(each.closed_at_s for each in worker.incidents()), "every incident to be closed"
    )


def test_nothing_of_a_killed_handler_lives_on_beside_the_new_one(worker: Worker) -> None:
    """The SDK's heartbeat is an orphan after kill -9; it is gone once the new handler runs."""
    seen, marks, run_id = proc.scan(), proc.Marks(), worker.plan.run_id
    old_tree = proc.members("handler", worker.line("handler").pid, seen, marks.of, run_id)
    assert len(old_tree) > 1, "the handler should have a heartbeat"
    pid = worker.kill("handler")
    wait_for(lambda: worker.line("handler").pid not in (None, pid), "another handler")
    now = {each.identity for each in proc.scan().values() if each.alive}
    assert old_tree & now == set()
    worker.wait_until_ready()


def test_a_webui_that_dies_under_a_job_costs_time_not_the_job(worker: Worker) -> None:
    """The job runs again on the next WebUI, with the same seed."""
    wanted = worker.do({**JOB, "steps": 30}).output["images"]
    client_side = worker.submit({**JOB, "steps": 30})
    wait_for(lambda: worker.progress_of(client_side) > 0, "progress")
    worker.kill("webui")
    state = worker.wait_for_job(client_side)
    assert state.status == "COMPLETED"
    assert state.output["images"] == wanted
    worker.wait_until_ready()


def test_the_key_reaches_the_handler_alone(worker: Worker) -> None:
    """Neither files that others read nor other programs' environments hold the key."""
    for name in ("supervisord.conf", "plan.json", "snapshot.json"):
        assert SECRET not in (worker.folder / "run" / name).read_text()
    assert SECRET not in worker.log_text()
    for name in ("webui", "watchdog", "keeper"):
        environ = Path(f"/proc/{worker.line(name).pid}/environ").read_bytes()
        assert SECRET.encode() not in environ
    assert SECRET.encode() not in Path(f"/proc/{worker.process.pid}/environ").read_bytes()
    handler = Path(f"/proc/{worker.line('handler').pid}/environ").read_bytes()
    assert SECRET.encode() in handler
    assert b"hf_of_the_webui" not in handler
    assert b"hf_of_the_webui" in Path(f"/proc/{worker.line('webui').pid}/environ").read_bytes()


def test_every_line_of_the_log_says_when_and_who(worker: Worker) -> None:
    """All programs share one stream of whole lines."""
    begun = False
    for line in worker.log_text().splitlines():
        begun = begun or line.startswith("20")
        if begun:
            assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [a-z]+ \| \S", line), line


def test_status_and_incidents_answer_people_and_machines(worker: Worker) -> None:
    """One screen, one list, and the same as JSON."""
    worker.wait_until_ready()
    screen = worker.command("status")
    assert screen.returncode == 0, screen.stdout + screen.stderr
    assert "can take a job" in screen.stdout
    assert worker.json("status")["level"] == "ok"
    number = worker.json("incidents")[0]["id"]
    shown = worker.command("incidents", "show", str(number))
    assert shown.returncode == 0
    assert f"incident {number}:" in shown.stdout
    assert worker.command("incidents", "show", "999999").returncode == 1


def test_a_second_worker_in_the_same_folder_is_refused(worker: Worker) -> None:
    """Two supervisords would fight over one set of programs."""
    second = worker.command("up")
    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert worker.ready()


def test_what_an_operator_stops_stays_stopped(worker: Worker) -> None:
    """`supervisorctl stop` is an order, not a crash."""
    before = len(worker.incidents())
    worker.ctl("stop", "webui")
    wait_for(lambda: worker.line("webui").state == "STOPPED", "a stopped webui")
    status = worker.command("status")
    assert status.returncode == 1
    assert "webui is STOPPED" in status.stdout
    worker.ctl("start", "webui")
    worker.wait_until_ready()
    assert len(worker.incidents()) == before


def test_a_frozen_watchdog_is_replaced(worker: Worker) -> None:
    """A watchdog that runs but is silent does not leave the keeper blind for long."""
    pid = worker.line("watchdog").pid
    assert pid is not None
    wait_for(lambda: (worker.line("watchdog").uptime_s or 0) > 16, "the watchdog's grace to pass")
    os.kill(pid, signal.SIGSTOP)
    worker.wait_until_back("watchdog", pid)
    assert worker.incidents()[0].cause == "silent"


@pytest.mark.timeout(240)
def test_a_frozen_keeper_is_replaced_and_says_so(worker: Worker) -> None:
    """A stopped listener is RUNNING for supervisord; the plugin inside it kills it all the same."""
    pid = worker.line("keeper").pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    worker.wait_until_back("keeper", pid)
    wait_for(
        lambda: [each for each in worker.incidents() if each.pid == pid and each.cause == "silent"],
        "the new keeper's incident on the old one",
    )
