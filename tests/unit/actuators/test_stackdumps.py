"""Where a hung program stands."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from podkeeper.actuators.stackdumps import StackDumps

if TYPE_CHECKING:
    from pathlib import Path

DEADLINE_S = 20.0


def dumps(
    folder: Path, command: str, *, wait_s: float = DEADLINE_S, max_bytes: int = 1000
) -> StackDumps:
    """Return what dumps stacks by a command, and keeps two."""
    return StackDumps(command, folder / "dumps", wait_s=wait_s, max_bytes=max_bytes, max_files=2)


def collected(made: StackDumps) -> list[tuple[str, str]]:
    """Return the dumps once there are any."""
    end_s = time.monotonic() + 2 * DEADLINE_S
    while time.monotonic() < end_s:
        found = made.finished()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("no dump came")


def test_a_stack_is_written_into_a_file(tmp_path: Path) -> None:
    """The outcome names the file, which only we can read, and how the command ended."""
    made = dumps(tmp_path, "sh -c 'echo stack of {pid}; echo not allowed >&2; exit 1'")
    assert made.begin("webui", 77)
    ((program, outcome),) = collected(made)
    (path,) = (tmp_path / "dumps").iterdir()
    assert program == "webui"
    assert outcome == f"{path} (24 bytes, exit code 1)"
    assert path.read_text() == "stack of 77\nnot allowed\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.finished() == []


@pytest.mark.parametrize("command", ["", "a-command-that-is-not-there {pid}"])
def test_without_a_command_there_is_no_dump(tmp_path: Path, command: str) -> None:
    """Nothing is waited for then, and no file is made."""
    assert not dumps(tmp_path, command).begin("webui", 77)
    assert not (tmp_path / "dumps").exists()


def test_one_dump_at_a_time_for_a_program(tmp_path: Path) -> None:
    """A second is not begun while the first is on its way."""
    made = dumps(tmp_path, "echo {pid}")
    assert made.begin("webui", 77)
    assert not made.begin("webui", 77)
    assert made.begin("handler", 78)
    while len(made._running):
        made.finished()


def test_a_dump_that_does_not_end_is_ended(tmp_path: Path) -> None:
    """What it wrote by then is kept."""
    made = dumps(tmp_path, "sh -c 'echo begun; exec sleep 600'", wait_s=0.3)
    assert made.begin("webui", 77)
    pid = made._running["webui"].process.pid
    ((_, outcome),) = collected(made)
    assert "not done in 0.3 s" in outcome
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_dump_is_no_longer_than_its_bound(tmp_path: Path) -> None:
    """A command that writes without end costs a bounded file."""
    made = dumps(tmp_path, "head -c 100000 /dev/zero", max_bytes=10)
    assert made.begin("webui", 77)
    ((_, outcome),) = collected(made)
    (path,) = (tmp_path / "dumps").iterdir()
    assert path.stat().st_size == 10
    assert "(10 bytes, exit code 0)" in outcome


def test_the_oldest_dumps_go(tmp_path: Path) -> None:
    """The folder holds as many as are wanted."""
    made = dumps(tmp_path, "echo {pid}")
    for pid in (1, 2, 3):
        assert made.begin("webui", pid)
        collected(made)
        for path in (tmp_path / "dumps").iterdir():
            os.utime(path, (pid, pid)) if path.name.endswith(f"-{pid}.txt") else None
    names = {path.name.rpartition("-")[2] for path in (tmp_path / "dumps").iterdir()}
    assert names == {"2.txt", "3.txt"}


def test_a_folder_that_cannot_be_made_is_no_dump(tmp_path: Path) -> None:
    """The program is taken down without one."""
    (tmp_path / "dumps").write_text("in the way")
    assert not dumps(tmp_path, "echo {pid}").begin("webui", 77)
