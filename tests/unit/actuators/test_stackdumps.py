"""Where a hung program stands."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from podkeeper.actuators.own_stacks import addresses
from podkeeper.actuators.stackdumps import StackDumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from podkeeper.settings.plan import Plan

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


class Teller:
    """A program that tells its own stacks, or answers something else."""

    def __init__(self, status: int = 200) -> None:
        teller = self
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Answer."""
                teller.asked += 1
                body = b"told by itself\n"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.urls = {"webui": f"http://127.0.0.1:{self.server.server_address[1]}/podkeeper/stacks"}
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        """Tell no more."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def tellers() -> Iterator[Callable[..., Teller]]:
    """Return what starts a program that tells."""
    made: list[Teller] = []

    def start(status: int = 200) -> Teller:
        made.append(Teller(status))
        return made[-1]

    yield start
    for each in made:
        each.close()


def telling(folder: Path, command: str, teller: Teller) -> StackDumps:
    """Return what dumps stacks by a command and by asking."""
    return StackDumps(
        command,
        folder / "dumps",
        wait_s=DEADLINE_S,
        max_bytes=1000,
        max_files=2,
        urls=teller.urls,
        url_timeout_s=DEADLINE_S,
    )


def test_without_a_command_the_webui_is_asked_itself(
    tmp_path: Path, tellers: Callable[..., Teller]
) -> None:
    """What it tells is kept as a dump is, for us alone to read; who cannot tell is not asked."""
    made = telling(tmp_path, "a-command-that-is-not-there", tellers())
    assert made.begin("webui", 77)
    assert not made.begin("handler", 78)
    ((program, outcome),) = collected(made)
    (path,) = (tmp_path / "dumps").iterdir()
    assert (program, path.read_text()) == ("webui", "told by itself\n")
    assert outcome == f"{path} (15 bytes, asked itself: 200 OK)"
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_the_command_may_not_look_the_webui_is_asked_itself(
    tmp_path: Path, tellers: Callable[..., Teller]
) -> None:
    """What the command said stays in the file, before what the WebUI tells."""
    teller = tellers()
    made = telling(tmp_path, "sh -c 'echo not allowed >&2; exit 1'", teller)
    assert made.begin("webui", 77)
    ((_, outcome),) = collected(made)
    (path,) = (tmp_path / "dumps").iterdir()
    assert path.read_text() == "not allowed\ntold by itself\n"
    assert outcome.endswith("exit code 1, asked itself: 200 OK)")
    made.begin("webui", 77)
    assert collected(made)
    assert teller.asked == 2


def test_a_command_that_works_is_enough(tmp_path: Path, tellers: Callable[..., Teller]) -> None:
    """The program is then left in peace."""
    teller = tellers()
    made = telling(tmp_path, "echo {pid}", teller)
    assert made.begin("webui", 77)
    collected(made)
    assert teller.asked == 0


def test_a_webui_without_the_extension_has_no_stack(
    tmp_path: Path, tellers: Callable[..., Teller]
) -> None:
    """That is said, and no empty file is left."""
    made = telling(tmp_path, "", tellers(404))
    assert made.begin("webui", 77)
    assert collected(made) == [("webui", "no stack: asked itself: 404 Not Found")]
    assert not list((tmp_path / "dumps").iterdir())


def test_who_is_stopped_is_not_asked(tmp_path: Path, tellers: Callable[..., Teller]) -> None:
    """It could not answer, and is to be replaced without waiting for it."""
    made = telling(tmp_path, "", tellers())
    with subprocess.Popen(["sleep", "600"]) as stopped:
        stopped.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, stopped.pid, os.WSTOPPED | os.WNOWAIT)
        assert not made.begin("webui", stopped.pid)
        stopped.kill()


def test_every_webui_of_a_plan_has_an_address(plan_of: Callable[..., Plan]) -> None:
    """Two WebUIs are asked at two ports."""
    assert addresses(plan_of("webui.instances=2", "webui.port=3100")) == {
        "webui-0": "http://127.0.0.1:3100/podkeeper/stacks?format=text",
        "webui-1": "http://127.0.0.1:3101/podkeeper/stacks?format=text",
    }
