"""What `podkeeper jobs` shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from podkeeper.cli import main
from podkeeper.console import jobs
from podkeeper.console.report import Findings, report
from podkeeper.model.journal import Entry, State
from podkeeper.model.work import Work
from podkeeper.probes import moment
from podkeeper.recorders.journal import JournalFile
from podkeeper.settings import plan as plans

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from podkeeper.settings.plan import Plan

GIVEN = {
    "prompt": "a very private lighthouse",
    "steps": 20,
    "init_images": ["iVBORw0KGgo="],
    "bucket": {"accessKey": "x770077x", "region": "eu"},
    "mask": "short",
    "other": "A" * 300,
}


def entry(name: str, state: State, **more: object) -> Entry:
    """Return a job of this moment."""
    now = moment.now()
    made = {"pod": "pod-1", "seed": 1, "granted": now, "changed": now, **more}
    return Entry(id=name, state=state, **made)  # type: ignore[arg-type] - all of it is


@pytest.fixture
def shown(
    tmp_path: Path, plan_of: Callable[..., Plan], capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return what runs the command on a worker with two jobs."""
    plan = plan_of()
    plans.write(plan)
    file = JournalFile(plan.journal_path, busy_timeout_s=5.0)
    ended = entry("b-2", State.DELIVERED, code="VRAM_OOM", result_bytes=2048, tries=3)
    running = entry("a-1", State.RUNNING, webui="webui", phase="sampling")
    raw = json.dumps({"id": "a-1", "input": GIVEN, "s3Config": {"accessSecret": "hush"}})
    file.save([running, ended], {"a-1": raw.encode()})
    file.close()

    def run(*words: str) -> tuple[int, str]:
        code = main(["jobs", *words, "--set", f"worker.runtime_dir={tmp_path}"])
        out = capsys.readouterr()
        return code, out.out + out.err

    return run


def test_a_line_for_each_job(shown: Callable[..., tuple[int, str]]) -> None:
    """With its state, where it is, and what its result came to; --open leaves out the ended."""
    code, text = shown()
    assert code == 0
    assert "sampling at webui" in text
    assert "VRAM_OOM 2KiB" in text
    assert "b-2" not in shown("list", "--open")[1]
    assert [each["id"] for each in json.loads(shown("--json", "--limit", "1")[1])] == ["a-1"]


def test_one_job_without_its_texts(shown: Callable[..., tuple[int, str]]) -> None:
    """Numbers are shown; prompts only on demand, images and keys never."""
    code, text = shown("show", "a-")
    assert code == 0
    assert "steps = 20" in text
    assert "lighthouse" not in text
    _, full = shown("show", "a-1", "--full")
    assert "a very private lighthouse" in full
    for each in (text, full, shown("show", "a-1", "--full", "--json")[1]):
        assert not any(secret in each for secret in ("iVBOR", "hush", "AAAA", "short", "x770077x"))


def test_a_job_that_is_not_there(shown: Callable[..., tuple[int, str]]) -> None:
    """Is said, as is one that is not named."""
    assert shown("show", "c") == (1, "podkeeper: no job has an id that begins with c\n")
    assert shown("show") == (2, "podkeeper: jobs show needs the id of a job\n")


def test_a_worker_without_a_journal(
    tmp_path: Path, plan_of: Callable[..., Plan], capsys: pytest.CaptureFixture[str]
) -> None:
    """Is one whose handler has never started."""
    plans.write(plan_of())
    assert main(["jobs", "--set", f"worker.runtime_dir={tmp_path}"]) == 1
    assert "no handler has made it yet" in capsys.readouterr().err


def test_no_jobs_are_said() -> None:
    """Rather than an empty table."""
    assert jobs.listed([], moment.now()) == "no jobs"


def test_the_status_tells_when_jobs_are_not_safe(plan_of: Callable[..., Plan]) -> None:
    """A journal that cannot be written is a warning with its cause."""
    work = Work(run_id="run-1", handler_pid=1, written_monotonic_s=0.0, jobs=[], fault="disk full")
    found = report(plan_of(), Findings({}, None, [], 1.0, 1.0, work=work))
    assert "a kill of the handler may cost a job: disk full" in found.findings
    assert found.jobs_in_hand == 0
