"""Which WebUIs have a job in hand, by the handler's own word."""

from __future__ import annotations

import os

import pytest

from podkeeper.loops.busy import Busy
from podkeeper.model import work
from podkeeper.model.work import JobInHand, Work


@pytest.fixture
def write(plan_of):
    """Return what writes a handler's work, each time as a later file."""
    plan = plan_of()
    plan.work_path.parent.mkdir()
    times = iter(range(1000, 2000))

    def make(*webuis, run_id="run-1"):
        jobs = [
            JobInHand(
                id=f"job-{place}",
                granted_monotonic_s=1.0,
                phase="sampling",
                progress_ratio=None,
                webui=webui,
                moved_monotonic_s=1.0,
            )
            for place, webui in enumerate(webuis)
        ]
        taken = Work(run_id=run_id, handler_pid=7, written_monotonic_s=1.0, jobs=jobs)
        plan.work_path.write_bytes(work.dump(taken))
        at_s = next(times)
        os.utime(plan.work_path, (at_s, at_s))
        return plan

    return make


def test_a_webui_is_busy_as_long_as_a_job_is_at_it(write):
    """Jobs that wait for a WebUI make none busy, and the end of a job is seen."""
    seen = Busy(write("webui-0", None, "webui-0", "webui-2"))
    assert seen.look() == {"webui-0", "webui-2"}
    write("webui-2")
    assert seen.look() == {"webui-2"}
    write()
    assert seen.look() == set()


def test_without_a_handlers_word_nobody_is_busy(write, plan_of):
    """No file, one of another start and one of nonsense are no jobs."""
    plan = plan_of()
    assert Busy(plan).look() == set()
    assert Busy(write("webui", run_id="another")).look() == set()
    plan.work_path.write_bytes(b"nonsense")
    assert Busy(plan).look() == set()


def test_a_file_that_was_not_replaced_is_not_read_again(write, monkeypatch):
    """A look costs one question to the file system."""
    seen = Busy(write("webui"))
    assert seen.look() == {"webui"}
    monkeypatch.setattr(work, "read", None)
    assert seen.look() == {"webui"}
