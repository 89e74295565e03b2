"""What a person sees: the command line, progress, pictures, failures."""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podkeeper.cli import platform as platform_command
from podkeeper.cli import submit
from podkeeper.errors import PlanError, SettingsError
from podkeeper.settings import plan
from podkeeper.settings.load import Source, load
from podkeeper.settings.programs import Surroundings, make_plan
from podkeeper.sim.platform import address, pictures, program, show
from podkeeper.sim.platform.client import Client, JobState, PlatformError

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n rest of it"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def _running(ratio: float, **more: Any) -> JobState:
    return JobState("j", "IN_PROGRESS", output={"progress": ratio, **more})


def test_a_bar_moves_on_a_terminal() -> None:
    """On a terminal every state overwrites the one before, and the line ends when it is left."""
    out = Terminal()
    shown = show.ProgressLine(out)
    for state in (_running(0.5, stage="sampling"), _running(0.5, stage="sampling"), _running(1)):
        shown(state)
    shown.close()
    lines = out.getvalue().split("\r")
    assert lines[1] == "IN_PROGRESS  [###############---------------]  50%  sampling"
    assert lines[2].rstrip() == "IN_PROGRESS  [##############################] 100%"
    assert len(lines[2].rstrip("\n")) == len(lines[1])
    assert len(lines) == 3


def test_plain_lines_elsewhere() -> None:
    """Where there is no terminal each news is a line."""
    out = io.StringIO()
    shown = show.ProgressLine(out)
    for state in (JobState("j", "IN_QUEUE"), JobState("j", "IN_QUEUE"), JobState("j", "FAILED")):
        shown(state)
    shown.close()
    assert out.getvalue() == "IN_QUEUE\nFAILED\n"


@given(st.floats(0, 1), st.integers(1, 200))
def test_a_bar_is_always_as_long(ratio: float, width: int) -> None:
    """A bar's length does not depend on how full it is."""
    assert len(show.bar(ratio, width)) == width + 2 + 5


@given(st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.integers())))
def test_any_output_is_shown(output: Any) -> None:
    """A worker's progress may be anything; showing it gives one line."""
    assert "\n" not in show.line(JobState("j", "IN_PROGRESS", output=output))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("plain words", "plain words"),
        (None, "no reason given"),
        (
            '{"code": "BAD", "field": "steps", "message": "too many", "allowed": "1 to 150"}',
            "steps: too many (allowed: 1 to 150) [BAD]",
        ),
        ({"error_type": "X", "error_message": "m"}, "m [X]"),
        ("[1]", "[1]"),
        ("{}", "{}"),
    ],
)
def test_failures_are_readable(error: Any, text: str) -> None:
    """A failure's code, field and message are found in whatever a worker posted."""
    assert str(show.failure_of(JobState("j", "FAILED", error=error))) == text


def test_pictures_become_files(tmp_path: Path) -> None:
    """Base64 texts, data URLs and objects with data each become a file with the right ending."""
    text = base64.b64encode(PNG).decode()
    jpeg = base64.b64encode(b"\xff\xd8\xff").decode()
    images = [text, f"data:image/png;base64,{text}", {"data": jpeg}]
    state = JobState("a/b-u1", "COMPLETED", output={"images": images})
    paths = pictures.save(state, tmp_path / "new")
    assert [path.name for path in paths] == ["a_b-u1-1.png", "a_b-u1-2.png", "a_b-u1-3.jpg"]
    assert paths[0].read_bytes() == PNG


@pytest.mark.parametrize("image", ["%%%", 5, {"data": 5}, {"other": "x"}])
def test_what_is_no_picture_is_named(image: Any) -> None:
    """A picture that cannot be read says which it is."""
    with pytest.raises(pictures.PictureError, match="picture 0"):
        pictures.pictures_of({"images": [image]})


def _given(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    submit.arguments(parser)
    return parser.parse_args(words)


def _work(platform: Any, body: dict[str, Any]) -> threading.Thread:
    """Start a worker that ends the next job with `body`."""

    def work() -> None:
        platform.wait_for(lambda: platform.hub.book.queue)
        job_id = platform.take()["id"]
        platform.done(job_id, {"status": "IN_PROGRESS", "output": {"progress": 0.5}})
        platform.done(job_id, body)

    worker = threading.Thread(target=work)
    worker.start()
    return worker


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    """Return a file with a bare input."""
    path = tmp_path / "job.json"
    path.write_text(json.dumps({"prompt": "a cat"}))
    return path


@pytest.mark.parametrize("sync", [[], ["--sync"]], ids=["run", "runsync"])
def test_submit_keeps_the_pictures(
    platform: Any, job_file: Path, tmp_path: Path, capsys: Any, sync: list[str]
) -> None:
    """A job that completes leaves its pictures in the folder, says where, and exits 0."""
    image = base64.b64encode(PNG).decode()
    worker = _work(platform, {"output": {"images": [image]}})
    words = [str(job_file), "--url", platform.base, "--output", str(tmp_path / "out"), *sync]
    assert submit.run(_given(*words)) == 0
    worker.join(60)
    (path,) = (tmp_path / "out").iterdir()
    said = capsys.readouterr().out
    assert f"picture written to {path}" in said
    assert "completed" in said


def test_submit_says_why_a_job_failed(platform: Any, job_file: Path, capsys: Any) -> None:
    """A failed job exits 1 with code, field and message; quiet says nothing else."""
    error = json.dumps({"code": "BAD_INPUT", "field": "steps", "message": "too many"})
    worker = _work(platform, {"error": error})
    assert submit.run(_given(str(job_file), "--url", platform.url, "--quiet")) == 1
    worker.join(60)
    said = capsys.readouterr()
    assert said.out == ""
    assert "FAILED: steps: too many [BAD_INPUT]" in said.err


@pytest.mark.parametrize("text", ["{", "[]", "\udcff"])
def test_submit_refuses_a_bad_file(tmp_path: Path, capsys: Any, text: str) -> None:
    """A file that holds no job exits 2 with its name, before anything is sent."""
    path = tmp_path / "bad.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert submit.run(_given(str(path))) == 2
    assert submit.run(_given(str(tmp_path / "none.json"))) == 2
    assert capsys.readouterr().err.count("cannot read the job") == 2


def test_submit_without_a_platform(job_file: Path, capsys: Any) -> None:
    """Where nobody listens the exit code is 1 and the URL is named."""
    assert submit.run(_given(str(job_file), "--url", "http://127.0.0.1:9")) == 1
    assert submit.run(_given(str(job_file), "--url", "here")) == 1
    assert "cannot reach http://127.0.0.1:9/v2/local" in capsys.readouterr().err


def test_a_job_file_may_hold_a_job_or_an_input(tmp_path: Path) -> None:
    """What has an input is sent as it is, anything else is the input."""
    path = tmp_path / "job.json"
    for value, body in (({"input": {}, "id": "x"}, {"input": {}, "id": "x"}), ({}, {"input": {}})):
        path.write_text(json.dumps(value))
        assert submit.read_job(path) == body


def test_the_key_is_the_running_workers(tmp_path: Path) -> None:
    """The key is read from the private file beside the plan; none is None, a bad one an error."""
    assert address.key_in(tmp_path) is None
    file = tmp_path / "private" / "platform.json"
    file.parent.mkdir()
    file.write_text('{"RUNPOD_AI_API_KEY": "k"}')
    assert address.key_in(tmp_path) == "k"
    file.write_text("{")
    with pytest.raises(address.NoPlatformError, match=r"platform\.json"):
        address.key_in(tmp_path)


def test_the_platform_is_found_by_url_or_not_at_all(tmp_path: Path) -> None:
    """A URL is completed to the endpoint's; without one and without a worker it is said so."""
    environ = {"PODKEEPER_WORKER__RUNTIME_DIR": str(tmp_path), "RUNPOD_AI_API_KEY": "k"}
    found = address.find(environ, "http://127.0.0.1:1/")
    assert (found.url, found.key) == ("http://127.0.0.1:1/v2/local", "k")
    assert address.find(environ, "http://h/v2/e").url == "http://h/v2/e"
    with pytest.raises(address.NoPlatformError, match="running worker"):
        address.find(environ)


def _plan(tmp_path: Path, port: int) -> None:
    environ = {"PODKEEPER_PLATFORM__PORT": str(port), "PODKEEPER_PLATFORM__ADDRESS": "0.0.0.0"}  # noqa: S104 - only read
    around = Surroundings(
        python="python",
        directory="/",
        runtime_dir=tmp_path,
        state_dir=tmp_path,
        memory_capacity_bytes=8 << 30,
        platform_named=False,
        version="1",
        run_id="r",
        made_at_s=0.0,
    )
    plan.write(make_plan(load(Source(environ=environ)).settings, around))


def test_the_running_workers_platform_is_used(
    platforms: Any, tmp_path: Path, job_file: Path, monkeypatch: Any
) -> None:
    """Without a URL the plan names the platform, and the private file beside it the key."""
    platform = platforms.start(key="k")
    _plan(tmp_path, int(platform.base.rpartition(":")[2]))
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "platform.json").write_text('{"RUNPOD_AI_API_KEY": "k"}')
    monkeypatch.setenv("PODKEEPER_WORKER__RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("RUNPOD_AI_API_KEY", raising=False)
    worker = _work(platform, {"output": {}})
    assert submit.run(_given(str(job_file), "--quiet")) == 0
    worker.join(60)
    elsewhere = address.find(dict(os.environ), "http://127.0.0.1:9")
    assert elsewhere.key is None


def test_waiting_ends_at_its_deadline(platform: Any) -> None:
    """A job that does not end in time is an error that names its state."""
    job = platform.client.submit({})
    with pytest.raises(PlatformError, match="it is IN_QUEUE"):
        platform.client.wait(job.id, deadline_s=0.05)
    with pytest.raises(PlatformError, match="cannot reach"):
        Client("http://127.0.0.1:9/v2/local", period_s=0.01).wait(job.id, deadline_s=0.05)


def _start(tmp_path: Path, *words: str, **environ: str) -> program.PlatformServer:
    parser = argparse.ArgumentParser()
    platform_command.arguments(parser)
    state = {"PODKEEPER_WORKER__STATE_DIR": str(tmp_path), **environ}
    return program.make_server(parser.parse_args(words), state)


def test_flags_override_the_settings(tmp_path: Path) -> None:
    """Address, port and state file of the command line win over settings; faults add up."""
    server = _start(
        tmp_path,
        *("--port", "0", "--fault", '{"kind": "drop"}'),
        PODKEEPER_PLATFORM__FAULTS='[{"kind": "hang"}]',
        PODKEEPER_PLATFORM__ENDPOINT="e",
        RUNPOD_AI_API_KEY="k",
    )
    hub = server.hub
    hub.store.close()
    assert [fault.kind for fault in hub.script.faults] == ["hang", "drop"]
    assert (hub.settings.endpoint, hub.key, server.config.port) == ("e", "k", 0)
    assert hub.store.path == tmp_path / "platform.sqlite3"


def test_a_bad_start_is_refused(tmp_path: Path) -> None:
    """A fault that is no JSON, and a plan that is not there, stop the start."""
    with pytest.raises(SettingsError, match="--fault"):
        _start(tmp_path, "--fault", "{")
    with pytest.raises(PlanError):
        _start(tmp_path, PODKEEPER_PLAN=str(tmp_path / "none"))
