"""The launcher that runs in supervisord's own child."""

from __future__ import annotations

import json
import os
import signal
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hooks import plugin_launch
from hooks.plugin_launch import ForkLauncher, launcher_arguments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
PYTHON = [sys.executable, "-P", "-m", "hooks.launch"]


def launcher(minfds: int = 64) -> ForkLauncher:
    """Return a launcher on a supervisord's options."""
    return ForkLauncher(SimpleNamespace(options=SimpleNamespace(minfds=minfds)))


def output_of(act: Callable[[], Any]) -> tuple[str, int]:
    """Return what a forked child writes to both outputs when it acts, and its exit status."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115 - not pytest's
        try:
            act()
        finally:
            os._exit(127)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_child_becomes_the_program_with_its_private_variables(tmp_path: Path) -> None:
    """What supervisord gave and what is private arrive; nothing of our own environment does."""
    file = tmp_path / "private.json"
    file.write_text(json.dumps({"SECRET": "x"}))
    argv = [*PYTHON, "--environment", str(file), "--", sys.executable, "-c", SHOW]
    environ = {"PATH": os.environ["PATH"], "PUBLIC": "1"}
    made = launcher()
    text, status = output_of(lambda: made.execve(sys.executable, argv, environ))
    seen = json.loads(text)
    assert (seen["SECRET"], seen["PUBLIC"], status) == ("x", "1", 0)
    assert "PYTEST_CURRENT_TEST" not in seen
    assert "SECRET" not in os.environ


def test_another_command_is_executed_as_it_is() -> None:
    """A program that is not started through the launcher starts as supervisord would start it."""
    made, argv = launcher(), [sys.executable, "-c", SHOW]
    text, status = output_of(lambda: made.execve(sys.executable, argv, {"ONLY": "1"}))
    assert (json.loads(text)["ONLY"], status) == ("1", 0)


def test_what_cannot_be_started_is_said_and_ends_the_child() -> None:
    """The program's own stream says why; the status is the one of a command that is not there."""
    made, argv = launcher(), [*PYTHON, "--", "/nowhere/at-all"]
    text, status = output_of(lambda: made.execve(sys.executable, argv, {}))
    assert "/nowhere/at-all" in text
    assert status == 127


def test_a_child_closes_all_descriptors_and_supervisord_only_the_one() -> None:
    """Nothing that supervisord holds open leaks into a program, however few calls close it."""
    made = launcher(minfds=4096)
    held, closed = os.pipe()
    made.close_fd(closed)
    os.fstat(held)

    def act() -> None:
        made.close_fd(3)
        try:
            os.fstat(held)
        except OSError:
            os.write(1, b"closed")

    text, _ = output_of(act)
    os.close(held)
    assert text == "closed"


def test_only_the_launchers_own_form_is_taken() -> None:
    """Any other command line is left alone."""
    assert launcher_arguments([*PYTHON, "--", "x"]) == ["--", "x"]
    assert launcher_arguments([sys.executable, "-m", "hooks.launch", "--", "x"]) is None
    assert launcher_arguments(["python"]) is None
    assert PYTHON[1:] == plugin_launch.SHAPE


def test_a_stop_is_heeded_from_the_first_moment() -> None:
    """A signal between the fork and the program is for the child, and is not lost."""
    forked = launcher().fork
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        for _ in range(20):
            pid = forked()
            if pid == 0:
                signal.alarm(60)
                signal.pause()
                os._exit(0)
            os.kill(pid, signal.SIGTERM)
            assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    finally:
        signal.signal(signal.SIGTERM, before)
