"""The simulated WebUI as a process: its start, its end, and what kills it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from sim_webui_client import DEADLINE_S, Later, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Process:
    """A simulator in a process of its own, on a free port."""

    def __init__(self, *arguments: str, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        given = {"start_s": "0", "load_s": "0", "step_s": "0.05", **settings}
        variables = {f"PODKEEPER_SIM_WEBUI__{key.upper()}": given[key] for key in given}
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PODKEEPER_")}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "podkeeper.sim.webui", "--port", str(self.port), *arguments],
            env={**kept, **variables},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = f"http://127.0.0.1:{self.port}"

    def serves(self) -> bool:
        """Return whether it has taken a connection whose client still waits."""
        taken = psutil.Process(self.child.pid).net_connections("tcp")
        return any(each.status == psutil.CONN_ESTABLISHED for each in taken)

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Return the answer to one request on a connection of its own."""
        return httpx.request(method, self.url + path, json=body, timeout=DEADLINE_S)

    def answers(self) -> bool:
        """Return whether the server answers."""
        assert self.child.poll() is None, "the simulator ended"
        try:
            return self.ask("GET", "/sdapi/v1/progress").status_code == 200
        except httpx.TransportError:
            return False

    def job(self, steps: int) -> Later:
        """Return a running job; its result is the status or the error that ended it."""

        def run() -> int | str:
            try:
                body = {"prompt": "a", "steps": steps, "width": 512, "height": 512}
                return self.ask("POST", "/sdapi/v1/txt2img", body).status_code
            except httpx.TransportError as error:
                return type(error).__name__

        return Later(run)

    def depth(self) -> int:
        """Return how many jobs run and wait."""
        depth: int = self.ask("GET", "/sim").json()["queue_depth"]
        return depth

    def ended(self) -> int:
        """Return the exit code, once the process has ended."""
        return self.child.wait(DEADLINE_S)

    def refuses(self) -> bool:
        """Return whether nobody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Return a function that starts a simulator; all are gone after the test."""
    started: list[Process] = []

    def run(*arguments: str, **settings: str) -> Process:
        started.append(Process(*arguments, **settings))
        return started[-1]

    yield run
    for each in started:
        each.child.kill()
        each.child.communicate()


def test_a_term_lets_running_and_waiting_jobs_end(start: Callable[..., Process]) -> None:
    """The port closes at once, both jobs are answered 200, then the signal takes its course."""
    sim = start()
    wait_for(sim.answers)
    jobs = [sim.job(10) for _ in range(2)]
    wait_for(lambda: sim.depth() == 2)
    sim.child.terminate()
    wait_for(sim.refuses)
    assert [each.result() for each in jobs] == [200, 200]
    assert sim.ended() == -signal.SIGTERM


def test_with_the_ui_a_term_ends_the_process_in_its_job(start: Callable[..., Process]) -> None:
    """The client is cut off and the exit code is the signal's."""
    sim = start("--ui")
    wait_for(sim.answers)
    job = sim.job(600)
    wait_for(lambda: sim.depth() == 1)
    sim.child.terminate()
    assert sim.ended() == -signal.SIGTERM
    assert job.result() == "RemoteProtocolError"


def test_a_second_int_does_not_wait_for_the_job(start: Callable[..., Process]) -> None:
    """The first one drains, the second one ends the process with exit code 0."""
    sim = start()
    wait_for(sim.answers)
    sim.job(6000)
    wait_for(lambda: sim.depth() == 1)
    sim.child.send_signal(signal.SIGINT)
    wait_for(sim.refuses)
    sim.child.send_signal(signal.SIGINT)
    assert sim.ended() == 0


def test_die_is_a_kill(start: Callable[..., Process]) -> None:
    """The process dies of SIGKILL in its job and the client gets no answer."""
    sim = start(faults="die:at_progress=0.2")
    wait_for(sim.answers)
    assert sim.job(10).result() == "RemoteProtocolError"
    assert sim.ended() == -signal.SIGKILL


def test_die_at_start_ends_with_its_exit_code(start: Callable[..., Process]) -> None:
    """The process ends before its port opens."""
    assert start(faults="die_at_start:exit_code=7").ended() == 7


def test_never_ready_never_listens(start: Callable[..., Process]) -> None:
    """It says what it is, opens no port, and ends at once when told to."""
    sim = start(faults="never_ready")
    assert "simulator" in sim.child.stderr.readline()
    assert sim.refuses()
    sim.child.terminate()
    assert sim.ended() == -signal.SIGTERM


def test_a_hung_server_takes_connections_and_dies_only_of_a_kill(
    start: Callable[..., Process],
) -> None:
    """Connections open, answers never come, and a TERM waits for them."""
    sim = start()
    wait_for(sim.answers)
    sim.ask("POST", "/sim/faults", {"hang": {"scope": "all"}})
    assert not sim.refuses()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(sim.url + "/sdapi/v1/progress", timeout=httpx.Timeout(DEADLINE_S, read=0.5))
    waiting = sim.job(1)
    wait_for(sim.serves)
    sim.child.terminate()
    wait_for(sim.refuses)
    assert waiting.running
    sim.child.kill()
    assert sim.ended() == -signal.SIGKILL


def test_a_client_that_leaves_does_not_stop_its_job(start: Callable[..., Process]) -> None:
    """The job is drawn to its end though nobody waits for it."""
    sim = start()
    wait_for(sim.answers)
    body = {"steps": 10, "width": 512, "height": 512}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            sim.url + "/sdapi/v1/txt2img", json=body, timeout=httpx.Timeout(DEADLINE_S, read=0.3)
        )
    wait_for(lambda: sim.ask("GET", "/sim").json()["counters"]["jobs_done"] == 1)


def test_server_kill_ends_without_an_answer(start: Callable[..., Process]) -> None:
    """The connection is cut and the exit code is 0, as the real route does it."""
    sim = start("--api-server-stop")
    wait_for(sim.answers)
    with pytest.raises(httpx.TransportError):
        sim.ask("POST", "/sdapi/v1/server-kill")
    assert sim.ended() == 0


def test_a_taken_port_ends_the_second_server(start: Callable[..., Process]) -> None:
    """It fails with exit code 3 after its start-up, as the real server does."""
    first = start()
    wait_for(first.answers)
    assert start("--port", str(first.port)).ended() == 3


def test_help_and_bad_settings_are_readable(start: Callable[..., Process]) -> None:
    """Help says that this is a simulator; a fault that does not exist ends with code 2."""
    shown = subprocess.run(
        [sys.executable, "-m", "podkeeper.sim.webui", "--help"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert "This is a simulator" in shown.stdout
    wrong = start(faults="banana")
    assert wrong.ended() == 2
    assert "sim_webui.faults" in wrong.child.stderr.read()
