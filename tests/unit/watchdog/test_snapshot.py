"""What a snapshot says of the worker, and its way through a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from podkeeper.model import snapshot as model
from podkeeper.model.snapshot import ContainerMemory, Cpu, Network, ProgramReading, Snapshot

if TYPE_CHECKING:
    from pathlib import Path


def program(name: str, role: str, *, state: str | None = "RUNNING", ready: bool | None = None):
    """Return a program of which only the state and the readiness are known."""
    return ProgramReading(
        name=name,
        role=role,
        state=state,
        pid=None,
        start_ticks=None,
        memory_bytes=None,
        rss_bytes=None,
        processes=None,
        threads=None,
        open_files=None,
        cpu_s=None,
        ready=ready,
        readiness_detail=None,
    )


def snapshot(*programs: ProgramReading) -> Snapshot:
    """Return a snapshot of which only the programs are known."""
    return Snapshot(
        run_id="run",
        sequence=1,
        watchdog_pid=2,
        taken_at_s=3.0,
        taken_monotonic_s=4.0,
        memory=ContainerMemory(capacity_bytes=None, working_set_bytes=None, oom_kills=None),
        cpu=Cpu(capacity_cores=None, used_cores=None),
        disks=[],
        network=Network(received_bytes=None, sent_bytes=None),
        gpus=None,
        programs=list(programs),
    )


@pytest.mark.parametrize(
    ("programs", "ready"),
    [
        ([], False),
        ([("handler", "RUNNING", None)], False),
        ([("webui", "RUNNING", True)], False),
        ([("handler", "RUNNING", None), ("webui", "RUNNING", None)], False),
        ([("handler", "STARTING", None), ("webui", "RUNNING", True)], False),
        ([("handler", None, None), ("webui", "RUNNING", True)], False),
        ([("handler", "RUNNING", None), ("webui", None, True)], True),
        (
            [("handler", "RUNNING", None), ("webui", "EXITED", False), ("webui", "RUNNING", True)],
            True,
        ),
    ],
)
def test_ready_needs_a_running_handler_and_one_ready_webui(programs, ready):
    """The worker is ready with a running handler and at least one ready WebUI, and only then."""
    taken = snapshot(*(program(role, role, state=state, ready=up) for role, state, up in programs))
    assert taken.ready is ready


def test_a_program_is_found_by_its_name():
    """A program is found by its name, and an unknown one is None."""
    taken = snapshot(program("webui-0", "webui"), program("webui-1", "webui"))
    assert taken.program("webui-1") is taken.programs[1]
    assert taken.program("other") is None


def test_a_snapshot_survives_its_file(tmp_path: Path):
    """What is written is what is read, unknown readings included."""
    taken = snapshot(program("webui", "webui", ready=True))
    path = tmp_path / "snapshot.json"
    path.write_bytes(model.dump(taken))
    assert model.read(path) == taken


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"run_id": 3}'])
def test_what_is_no_snapshot_is_none(tmp_path: Path, content: bytes):
    """A missing, torn or foreign file is no snapshot and no error."""
    path = tmp_path / "snapshot.json"
    assert model.read(path) is None
    path.write_bytes(content)
    assert model.read(path) is None
