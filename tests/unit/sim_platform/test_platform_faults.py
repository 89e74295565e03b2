"""The platform misbehaves as it is told."""

from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING, Any

import pytest

from podkeeper.errors import SettingsError
from podkeeper.sim.platform import faults

if TYPE_CHECKING:
    from pathlib import Path


def _granted(platform: Any) -> str:
    job = platform.client.submit({})
    platform.take()
    return str(job.id)


@pytest.mark.parametrize("status", [500, 429, 400, 401])
def test_results_are_refused_as_often_as_asked(platform: Any, status: int) -> None:
    """A fault answers so many results with its status, and the next goes through."""
    job_id = _granted(platform)
    platform.fault(kind="answer", route="done", status=status, times=2)
    progress = {"status": "IN_PROGRESS", "output": 1}
    assert platform.done(job_id, progress) == 200
    assert [platform.done(job_id, {"output": 1}) for _ in range(3)] == [status, status, 200]
    assert platform.history(job_id)[-1] == "done"


def test_a_result_can_be_kept_while_its_answer_is_lost(platform: Any) -> None:
    """With `act` the result is stored, and the worker that tries again makes a duplicate."""
    job_id = _granted(platform)
    platform.fault(kind="drop", route="done", act=True)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        platform.done(job_id, {"output": 1})
    assert platform.client.status(job_id).status == "COMPLETED"
    assert platform.done(job_id, {"output": 1}) == 200
    assert platform.history(job_id)[-2:] == ["done", "duplicate"]


def test_a_dropped_connection_has_no_answer(platform: Any) -> None:
    """A dropped request is closed without a byte and without effect; the next is served."""
    job_id = _granted(platform)
    platform.fault(kind="drop", route="done")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
        platform.done(job_id, {"output": 1})
    assert platform.client.status(job_id).status == "IN_PROGRESS"
    assert platform.done(job_id, {"output": 1}) == 200


def test_a_hanging_request_is_answered_late(platform: Any) -> None:
    """A hang of a certain length ends with the fault's status, and nothing was stored."""
    job_id = _granted(platform)
    platform.fault(kind="hang", route="done", delay_s=0.2, status=504)
    assert platform.done(job_id, {"output": 1}) == 504
    assert platform.client.status(job_id).status == "IN_PROGRESS"


def test_a_storm_of_empty_polls(platforms: Any) -> None:
    """Polls are answered 204 at once, although they would be held and a job waits."""
    platform = platforms.start(hold_s=3600.0)
    platform.client.submit({})
    platform.fault(kind="answer", route="take", status=204, times=3)
    assert [platform.take() for _ in range(3)] == [None] * 3
    assert platform.take() is not None


def test_a_late_grant_waits_for_its_file(platforms: Any, tmp_path: Path) -> None:
    """A job is kept from a poll that stays open past its hold, until the file is there."""
    platform = platforms.start(hold_s=0.05)
    signal = tmp_path / "go"
    platform.fault(kind="late_grant", until_file=str(signal))
    job = platform.client.submit({})
    got: list[Any] = []
    poll = threading.Thread(target=lambda: got.append(platform.take()))
    poll.start()
    platform.wait_for(lambda: "w1" in platform.hub.book.workers)
    poll.join(0.3)
    assert poll.is_alive()
    signal.touch()
    poll.join(60)
    assert got[0]["id"] == job.id
    assert platform.call("GET", "/platform/faults")[1] == {"faults": []}


def test_a_late_grant_waits_for_its_delay(platform: Any) -> None:
    """A job is granted once it has waited for as long as the fault says."""
    platform.fault(kind="late_grant", delay_s=100)
    job = platform.client.submit({})
    platform.clock.moved_s += 99
    got: list[Any] = []
    poll = threading.Thread(target=lambda: got.append(platform.take()))
    poll.start()
    platform.wait_for(lambda: "w1" in platform.hub.book.workers)
    assert platform.client.status(job.id).status == "IN_QUEUE"
    platform.clock.moved_s += 2
    poll.join(60)
    assert got[0]["id"] == job.id


def test_a_job_is_delivered_twice(platform: Any) -> None:
    """The next granted job is handed out a second time, and its history says so."""
    platform.fault(kind="duplicate_delivery")
    job_id = _granted(platform)
    assert platform.take("w2")["id"] == job_id
    assert platform.take("w2") is None
    assert platform.history(job_id) == ["submitted", "granted", "granted_again"]


def test_clients_can_be_refused_for_ever(platform: Any) -> None:
    """A fault without a number of times lasts until it is taken back."""
    platform.fault(kind="answer", route="client", status=502, times=None)
    assert [platform.call("GET", "/v2/local/health")[0] for _ in range(3)] == [502] * 3
    assert platform.call("DELETE", "/platform/faults")[1] == {"faults": []}
    assert platform.call("GET", "/v2/local/health")[0] == 200


@pytest.mark.parametrize("fault", [{"kind": "explode"}, {}, 3, {"kind": "drop", "tims": 1}])
def test_unknown_faults_are_refused(platform: Any, fault: Any) -> None:
    """A fault that is none is answered 400 over HTTP and is a settings error at the start."""
    assert platform.call("POST", "/platform/faults", fault)[0] == 400
    with pytest.raises(SettingsError, match=r"platform\.faults"):
        faults.parse(fault, "test")
