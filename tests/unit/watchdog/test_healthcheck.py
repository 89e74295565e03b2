"""The health check's exit code."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest

from podkeeper.cli import healthcheck
from podkeeper.console.request import Response
from podkeeper.console.server import Server, listen
from podkeeper.settings import plan as plans


@pytest.fixture
def worker():
    """Return what starts a stand-in for the watchdog's console and returns its port."""
    made = []

    def make(status):
        served = Server(
            listen("127.0.0.1", 0),
            lambda asked: Response(status if asked.path == "/ping" else 404),
            max_connections=4,
            deadline_s=30.0,
        )
        served.start()
        made.append(served)
        return served.port

    yield make
    for each in made:
        each.close()


def check(*words):
    """Return the exit code of the command with these options."""
    parser = argparse.ArgumentParser()
    healthcheck.arguments(parser)
    return healthcheck.run(parser.parse_args(words))


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(200, 0, "ready"), (204, 1, "starting"), (503, 1, "status 503"), (404, 1, "status 404")],
)
def test_the_status_becomes_an_exit_code(worker, capsys, status, code, said):
    """Ready is well, anything else is not, a start included, and one line says what was seen."""
    assert check("--address", f"127.0.0.1:{worker(status)}") == code
    assert said in capsys.readouterr().out


def test_nobody_there_is_not_well(capsys):
    """Where nobody listens the worker is not well."""
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    assert check("--address", f"127.0.0.1:{port}") == 1
    assert "cannot ask the watchdog" in capsys.readouterr().out


def test_silence_is_not_well(capsys):
    """A watchdog that takes the question and never answers is not well."""
    with listen("127.0.0.1", 0) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        assert check("--address", address, "--timeout", "0.1") == 1
    assert "timed out" in capsys.readouterr().out


def test_the_plan_says_where_to_ask(worker, plan_of, monkeypatch):
    """Without an address the plan of the running start is looked up, by path or by folder."""
    plan = plan_of(f"watchdog.port={worker(200)}", "watchdog.address=0.0.0.0")
    path = plans.write(plan)
    monkeypatch.setenv("PODKEEPER_PLAN", str(path))
    assert check() == 0
    monkeypatch.delenv("PODKEEPER_PLAN")
    monkeypatch.setenv("PODKEEPER_WORKER__RUNTIME_DIR", plan.runtime_dir)
    assert check() == 0


@pytest.mark.parametrize("content", [None, "", "[]", json.dumps({"settings": {}})])
def test_no_plan_is_not_well(tmp_path, monkeypatch, content, capsys):
    """Without a usable plan nothing can be running."""
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    monkeypatch.setenv("PODKEEPER_PLAN", str(tmp_path / "plan.json"))
    assert check() == 1
    assert "cannot ask the watchdog" in capsys.readouterr().out


def test_nothing_heavy_is_imported():
    """The check is run every few seconds: it imports none of the settings, and no HTTP library."""
    code = "import sys, podkeeper.cli.healthcheck; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"msgspec", "http.client", "ssl", "logging", "podkeeper.settings"}
