"""The watchdog as a program of a real supervisord, beside programs that live, fork and die."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from podkeeper.model import snapshot as snapshots
from podkeeper.settings import plan as plans
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan
from podkeeper.supervisord import Supervisord

if TYPE_CHECKING:
    from podkeeper.settings.plan import Plan

HELD_BYTES = 48 << 20

#: Answers its port, and leaves a child in a session of its own that holds memory.
WEBUI = f"""
import os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
if not os.fork():
    os.setsid()
    held = bytearray({HELD_BYTES})
    signal.pause()

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def until(condition, what, deadline_s=60.0):
    """Wait for a condition and return its first true value."""
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        assert time.monotonic() < end, f"never seen: {what}"
        time.sleep(0.02)
    return value


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Return a written plan with free ports, and a WebUI and a handler that need nothing."""
    script = tmp_path / "webui.py"
    script.write_text(WEBUI)
    settings = load(
        Source(
            assignments=(
                f"watchdog.port={free_port()}",
                f"webui.port={free_port()}",
                f"webui.command={sys.executable} {script} {{port}}",
                f"handler.command={sys.executable} -c 'import signal; signal.pause()'",
                "watchdog.period_s=50ms",
                "watchdog.states_period_s=100ms",
                "webui.probe_period_s=20ms",
                "watchdog.ready_probe_period_s=50ms",
            )
        )
    ).settings
    around = Surroundings(
        python=sys.executable,
        directory=str(tmp_path),
        runtime_dir=tmp_path,
        state_dir=tmp_path / "state",
        memory_capacity_bytes=16 << 30,
        platform_named=True,
        version="1.2.3",
        run_id=f"test-{os.getpid()}",
        made_at_s=time.time(),
    )
    made = make_plan(settings, around)
    plans.write(made)
    return made


def configuration(plan: Plan) -> str:
    """Return a supervisord configuration of the plan's WebUI, handler and watchdog."""
    sections = [
        f"[unix_http_server]\nfile={plan.socket_path}\n",
        "[supervisord]\nnodaemon=true\n",
        f"logfile={plan.runtime_dir}/log\npidfile={plan.runtime_dir}/pid\n",
        "[rpcinterface:supervisor]\n",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n",
        "[rpcinterface:podkeeper]\n",
        "supervisor.rpcinterface_factory=hooks.plugin:make_rpcinterface\n",
    ]
    for name in ("webui", "handler", "watchdog"):
        program = plan.program(name)
        environment = ",".join(f'{key}="{value}"' for key, value in program.environment.items())
        words = [*program.command[:-1], f"'{program.command[-1]}'"]
        sections.append(
            f"[program:{name}]\ncommand={' '.join(words)}\nenvironment={environment}\n"
            f"autostart={name != 'handler'}\nautorestart={name == 'watchdog'}\nstartsecs=0\n"
            f"stdout_logfile={plan.runtime_dir}/{name}.log\nredirect_stderr=true\n"
        )
    return "".join(sections)


@pytest.fixture
def supervisord(plan: Plan, tmp_path: Path):
    """Return the door to a supervisord that runs the plan's programs; nothing stays behind."""
    path = tmp_path / "supervisord.conf"
    path.write_text(configuration(plan))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield Supervisord(plan.socket_path, 10.0)
        finally:
            last = snapshots.read(plan.snapshot_path)
            process.terminate()
            process.wait(60)
            end_orphans(plan.run_id)
    assert last is not None


def end_orphans(run_id: str) -> None:
    """Kill what carries this test's mark."""
    mark = f"PODKEEPER_RUN={run_id}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def get(plan: Plan, path: str) -> tuple[int, bytes]:
    """Return the status and body of one of the watchdog's pages; 0 where it does not answer."""
    url = f"http://127.0.0.1:{plan.settings.watchdog.port}{path}"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
    except OSError:
        return 0, b""


def program(plan: Plan, name: str) -> dict:
    """Return the newest reading of one program, through the watchdog's page."""
    status, body = get(plan, "/snapshot")
    programs = json.loads(body)["programs"] if status == 200 else []
    return next((each for each in programs if each["name"] == name), {})


def ready(plan: Plan, supervisord: Supervisord) -> None:
    """Bring the worker to the state where a job can be taken."""
    until(lambda: program(plan, "webui").get("ready"), "a ready WebUI")
    assert get(plan, "/ping")[0] == 204
    supervisord.start("handler")
    until(lambda: get(plan, "/ping")[0] == 200, "a ready worker")


def test_a_worker_is_seen_from_start_to_death(plan, supervisord):
    """A worker is starting, then ready, then failed; an orphan of its dead WebUI still counts."""
    ready(plan, supervisord)
    living = until(
        lambda: (found := program(plan, "webui"))["memory_bytes"] > HELD_BYTES and found,
        "the child's memory",
    )
    assert (living["state"], living["processes"]) == ("RUNNING", 2)
    assert snapshots.read(plan.snapshot_path).ready

    os.kill(living["pid"], signal.SIGKILL)
    until(lambda: get(plan, "/ping")[0] == 503, "a failed worker")
    dead = until(
        lambda: (found := program(plan, "webui"))["state"] == "EXITED" and found, "its death"
    )
    assert (dead["pid"], dead["ready"], dead["readiness_detail"]) == (None, False, "not running")
    assert (dead["processes"], dead["memory_bytes"] > HELD_BYTES) == (1, True)


def test_a_killed_watchdog_comes_back_and_remembers(plan, supervisord):
    """A watchdog that was killed serves again, and still knows a failed worker from a new one."""
    ready(plan, supervisord)
    before = program(plan, "watchdog")["pid"]
    os.kill(program(plan, "webui")["pid"], signal.SIGKILL)
    until(lambda: get(plan, "/ping")[0] == 503, "a failed worker")
    os.kill(before, signal.SIGKILL)
    until(lambda: program(plan, "watchdog").get("pid") not in {None, before}, "a new watchdog")
    assert get(plan, "/ping")[0] == 503
    assert get(plan, "/startupz")[0] == 200


def start(plan: Plan) -> subprocess.Popen[str]:
    """Start a watchdog without a supervisord."""
    environ = {**os.environ, "PODKEEPER_PLAN": f"{plan.runtime_dir}/{plans.FILE_NAME}"}
    command = [sys.executable, "-m", "hooks.watchdog"]
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)


def test_a_watchdog_without_supervisord_serves_and_ends_on_sigterm(plan):
    """Without a supervisord to ask the watchdog still senses, and SIGTERM ends it with 0."""
    with start(plan) as process:
        until(lambda: get(plan, "/metrics")[0] == 200, "metrics")
        until(lambda: b"_working_set_bytes " in get(plan, "/metrics")[1], "a reading")
        assert get(plan, "/livez")[0] == 200
        process.terminate()
        assert process.wait(60) == 0


def test_a_taken_port_ends_with_one_line(plan):
    """A port that is taken ends the watchdog with exit code 2 and one line that names it."""
    port = plan.settings.watchdog.port
    with socket.create_server(("127.0.0.1", port)), start(plan) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_watchdog_without_a_plan_ends_with_one_line(plan, tmp_path):
    """A watchdog without a plan ends with exit code 2 and one line that says so."""
    (tmp_path / plans.FILE_NAME).unlink()
    with start(plan) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("cannot read the plan ")
    assert said.count("\n") == 1


def test_nothing_heavy_is_resident():
    """The watchdog's process holds none of the libraries that it can do without."""
    code = "import sys, hooks.watchdog; print(*(k for k, v in sys.modules.items() if v))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"asyncio", "jinja2", "requests", "runpod", "ssl", "typing_extensions", "pynvml"}
    assert not set(done.stdout.split()) & heavy
