"""What a snapshot says of the worker, and its way through a file."""

from __future__ import annotations

import pytest

from podkeeper.model import snapshot as model


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
def test_ready_needs_a_running_handler_and_one_ready_webui(program, snapshot, programs, ready):
    """The worker is ready with a running handler and at least one ready WebUI, and only then."""
    taken = snapshot(*(program(role, state=state, ready=up) for role, state, up in programs))
    assert taken.ready is ready


def test_a_silent_supervisord_makes_no_worker_unready(program, snapshot):
    """While supervisord says nothing of a handler, its living process counts as running."""
    webui = program("webui", ready=True)
    assert snapshot(program("handler", pid=7), webui).ready
    assert not snapshot(program("handler", pid=7, state="STOPPING"), webui).ready


def test_a_program_is_found_by_its_name(program, snapshot):
    """A program is found by its name, and an unknown one is None."""
    taken = snapshot(program("webui-0", "webui"), program("webui-1", "webui"))
    assert taken.program("webui-1") is taken.programs[1]
    assert taken.program("other") is None


def test_a_snapshot_survives_its_file(full, program, snapshot, tmp_path):
    """What is written is what is read, unknown readings included."""
    path = tmp_path / "snapshot.json"
    for taken in (full, snapshot(program("webui", ready=True))):
        path.write_bytes(model.dump(taken))
        assert model.read(path) == taken


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"run_id": 3}'])
def test_what_is_no_snapshot_is_none(tmp_path, content):
    """A missing, torn or foreign file is no snapshot and no error."""
    path = tmp_path / "snapshot.json"
    assert model.read(path) is None
    path.write_bytes(content)
    assert model.read(path) is None
