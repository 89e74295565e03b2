"""The launcher that gives a program its private variables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hooks import launch

if TYPE_CHECKING:
    from pathlib import Path

SHOW = [sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher and return what came of it."""
    command = [sys.executable, "-m", "hooks.launch", *words]
    environment = {"PATH": os.environ["PATH"], "PUBLIC": "1"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def test_the_program_gets_its_private_variables_unchanged(tmp_path: Path) -> None:
    """Any text arrives as it was, beside what was public, and the launcher is gone."""
    private = {"SECRET": "a'b\"c%d;e #f\nü", "EMPTY": ""}
    file = tmp_path / "private.json"
    file.write_text(json.dumps(private))
    seen = json.loads(run("--environment", str(file), "--", *SHOW).stdout)
    assert {name: seen[name] for name in private} == private
    assert seen["PUBLIC"] == "1"


def test_without_a_file_nothing_is_added() -> None:
    """The command alone is enough."""
    assert "SECRET" not in json.loads(run("--", *SHOW).stdout)


def test_dashes_of_the_command_are_the_commands() -> None:
    """Only the first pair of dashes is ours."""
    assert launch.parse(["--", "prog", "--environment", "x", "--", "y"]) == (
        {},
        ["prog", "--environment", "x", "--", "y"],
    )


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["prog"],
        ["--"],
        ["--environment", "--", "prog"],
        ["--other", "x", "--", "p"],
        ["--isolate", "--", "p"],
    ],
)
def test_other_arguments_are_refused(words: list[str]) -> None:
    """What is not of the launcher's form gets its usage and an exit status."""
    result = run(*words)
    assert result.returncode == launch.CANNOT_RUN
    assert "usage" in result.stderr


def test_a_command_that_is_not_there_is_named() -> None:
    """The log says which program could not be started and why."""
    result = run("--", "/no/such/program")
    assert result.returncode == launch.CANNOT_RUN
    assert "/no/such/program" in result.stderr


@pytest.mark.parametrize("content", ["no json", "[1]", '{"A": 1}'])
def test_a_broken_private_file_stops_the_start(tmp_path: Path, content: str) -> None:
    """A program never runs with half its environment."""
    file = tmp_path / "private.json"
    file.write_text(content)
    assert run("--environment", str(file), "--", *SHOW).returncode == launch.CANNOT_RUN
