"""What each job takes at most and leaves behind, as the extension tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from webui_standin import MIB, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Loaded


def test_peaks_are_those_of_one_job(webui: Loaded) -> None:
    """Torch counts anew from each job's begin; a small job after a large one has a small peak."""
    cuda = webui.host.cuda

    def large() -> None:
        cuda.peak, cuda.reserved_peak = 5000 * MIB, 6000 * MIB
        cuda.retries += 2
        cuda.ooms += 1

    webui.host.job(large)
    first = webui.memory()["jobs"]["last"]
    webui.host.job()
    second = webui.memory()["jobs"]["last"]
    assert (first["number"], first["allocated_peak_bytes"]) == (1, 5000 * MIB)
    assert (first["reserved_peak_bytes"], first["retries"], first["ooms"]) == (6000 * MIB, 2, 1)
    assert (second["number"], second["allocated_peak_bytes"]) == (2, cuda.allocated)
    assert (second["retries"], second["ooms"]) == (0, 0)
    assert first["name"] == "scripts_txt2img"
    assert first["checkpoint"] == "one.safetensors [abc]"


def test_the_peak_of_ram_is_seen_while_the_job_runs(webui: Loaded) -> None:
    """RAM that a job takes and gives back is in its peak, and not in the next one's."""
    taken_bytes = 64 * MIB
    jobs = webui.plug.jobs

    def take() -> None:
        kept = bytearray(b"\x01") * taken_bytes
        before = jobs.answer()["running"]
        assert before == "scripts_txt2img"
        until(lambda: (jobs._open.ram_anon_peak_bytes or 0) > floor + taken_bytes * 0.9)
        del kept

    floor = webui.memory()["ram"]["anon_bytes"]
    webui.host.job(take)
    first = webui.memory()["jobs"]["last"]
    webui.host.job()
    second = webui.memory()["jobs"]["last"]
    assert first["ram_anon_peak_bytes"] - second["ram_anon_peak_bytes"] > taken_bytes * 0.8
    assert first["ram_rss_peak_bytes"] >= first["ram_anon_peak_bytes"]


def test_a_job_that_fails_is_one_too(webui: Loaded) -> None:
    """The error reaches whoever asked, and the job is closed."""

    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        webui.host.job(fail)
    told = webui.memory()["jobs"]
    assert (told["begun"], told["ended"], told["running"]) == (1, 1, None)


def test_a_job_that_ends_without_a_word_is_closed_by_the_next(webui: Loaded) -> None:
    """The page's jobs have no end where they fail; the count stays right."""
    webui.host.state.begin("one")
    webui.host.state.begin("two")
    told = webui.memory()["jobs"]
    assert (told["begun"], told["ended"], told["running"]) == (2, 1, "two")
    assert told["last"]["name"] == "one"


def test_a_baseline_is_read_when_the_webui_has_been_idle(loaded: Callable[..., Loaded]) -> None:
    """After its time it is there, tidied where nothing runs, with the job it belongs to."""
    webui = loaded("extension.baseline_s=50ms")
    webui.host.load("one")
    webui.host.cuda.reserved = 3000 * MIB
    webui.host.job()
    told = until(lambda: webui.memory()["jobs"]["baseline"])
    assert (told["number"], told["checkpoint"], told["tidied"]) == (1, "one", True)
    assert told["after_s"] >= 0.05
    assert told["ram_anon_bytes"] > 0
    assert told["reserved_bytes"] == told["allocated_bytes"] == webui.host.cuda.allocated


def test_a_baseline_is_not_tidied_while_the_queue_is_held(loaded: Callable[..., Loaded]) -> None:
    """What holds the queue is not waited for: the reading is taken as it is."""
    webui = loaded("extension.baseline_s=50ms")
    webui.host.cuda.reserved = 3000 * MIB
    webui.host.job()
    with webui.host.lock:
        told = until(lambda: webui.memory()["jobs"]["baseline"])
    assert told["tidied"] is False
    assert told["reserved_bytes"] == 3000 * MIB


def test_the_next_job_takes_the_baseline_that_is_still_due(loaded: Callable[..., Loaded]) -> None:
    """Jobs without a pause leave a baseline each, which says that it came early."""
    webui = loaded("extension.baseline_s=1h")
    webui.host.job()
    assert webui.memory()["jobs"]["baseline"] is None
    webui.host.job()
    told = webui.memory()["jobs"]["baseline"]
    assert (told["number"], told["tidied"]) == (1, False)
    assert told["after_s"] < 3600


def test_a_job_does_not_fail_for_being_watched(
    webui: Loaded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error of ours is one line in the log, and the job runs."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(webui.plug.jobs, "begin", broken)
    ran: list[bool] = []
    webui.host.job(lambda: ran.append(True))
    webui.host.job(lambda: ran.append(True))
    assert ran == [True, True]
    assert capsys.readouterr().err.count("cannot note a job: ZeroDivisionError") == 1
