"""What workers get from the platform over HTTP."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest


def test_a_job_goes_from_client_to_worker_and_back(platform: Any) -> None:
    """A submitted input reaches the worker unchanged, and its result the client."""
    job_input = {"prompt": "naïve ☂", "seed": 2**70, "cfg": 7.0}
    queued = platform.client.submit(job_input)
    assert (queued.status, queued.id[-3:]) == ("IN_QUEUE", "-u1")
    taken = platform.take()
    assert taken == {"id": queued.id, "input": job_input}
    running = platform.client.status(queued.id)
    assert (running.status, running.worker) == ("IN_PROGRESS", "w1")
    assert platform.done(queued.id, {"output": {"seen": 1}}) == 200
    ended = platform.client.status(queued.id)
    assert (ended.status, ended.output) == ("COMPLETED", {"seen": 1})
    assert ended.delay_ms is not None
    assert ended.execution_ms is not None


def test_an_empty_poll_is_held_and_then_204(platforms: Any) -> None:
    """A poll without a job is answered only once its hold is over."""
    platform = platforms.start(hold_s=0.3)
    start_s = time.monotonic()
    assert platform.worker("GET", "job-take/w1?gpu=X")[0] == 204
    assert time.monotonic() - start_s >= 0.3


def test_an_open_poll_gets_the_job_that_comes(platforms: Any) -> None:
    """A job that is submitted while a poll is open is granted on that poll."""
    platform = platforms.start(hold_s=60.0)
    got: list[Any] = []
    poll = threading.Thread(target=lambda: got.append(platform.take()))
    poll.start()
    platform.wait_for(lambda: "w1" in platform.hub.book.workers)
    job = platform.client.submit({})
    poll.join(60)
    assert got[0]["id"] == job.id


def test_nothing_is_granted_to_a_worker_that_has_left(platforms: Any) -> None:
    """A poll whose worker closed the connection never takes a job with it."""
    import socket  # noqa: PLC0415 - only here

    platform = platforms.start(hold_s=60.0)
    host, port = platform.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as link:
        link.sendall(b"GET /v2/local/job-take/w1?gpu=X HTTP/1.1\r\nHost: x\r\n\r\n")
        platform.wait_for(lambda: "w1" in platform.hub.book.workers)
    # A poll of somebody else is answered after the close was seen, as it came later.
    threading.Thread(target=platform.take, args=("w2",)).start()
    platform.wait_for(lambda: "w2" in platform.hub.book.workers)
    job = platform.client.submit({})
    platform.wait_for(lambda: platform.client.status(job.id).status == "IN_PROGRESS")
    assert platform.client.status(job.id).worker == "w2"


def test_a_batch_is_a_list(platform: Any) -> None:
    """A worker that asks for several jobs gets a list of at most so many, low priority last."""
    late = platform.client.submit({"n": 0}, policy={"lowPriority": True})
    jobs = [platform.client.submit({"n": n}) for n in (1, 2)]
    status, batch = platform.worker("GET", "job-take-batch/w1?gpu=X&batch_size=2")
    assert (status, [each["id"] for each in batch]) == (200, [job.id for job in jobs])
    assert platform.take()["id"] == late.id
    assert platform.worker("GET", "job-take-batch/w1?batch_size=0")[0] == 400


def test_progress_shows_and_never_overwrites_a_result(platform: Any) -> None:
    """Progress is the output of a running job; after the result it changes nothing."""
    job = platform.client.submit({})
    platform.take()
    platform.done(job.id, {"status": "IN_PROGRESS", "output": {"progress": 0.5}})
    assert platform.client.status(job.id).output == {"progress": 0.5}
    platform.done(job.id, {"output": "result"})
    assert platform.done(job.id, {"status": "IN_PROGRESS", "output": {"progress": 0.9}}) == 200
    assert platform.client.status(job.id).output == "result"
    wanted = ["submitted", "granted", "progress", "done", "late_progress"]
    assert platform.history(job.id) == wanted


def test_a_second_result_is_counted_and_changes_nothing(platform: Any) -> None:
    """The first result stays, and the platform says how many came after it."""
    job = platform.client.submit({})
    platform.take()
    platform.done(job.id, {"output": 1})
    assert platform.done(job.id, {"error": "late"}) == 200
    assert platform.client.status(job.id).output == 1
    assert platform.call("GET", f"/platform/jobs/{job.id}")[1]["duplicates"] == 1


def test_an_error_fails_the_job(platform: Any) -> None:
    """A result with an error ends FAILED, keeps both parts, and a pod's wish to stop is noted."""
    job = platform.client.submit({})
    platform.take()
    platform.done(job.id, {"output": {"a": 1}, "error": "boom", "stopPod": True})
    ended = platform.client.status(job.id)
    assert (ended.status, ended.error, ended.output) == ("FAILED", "boom", {"a": 1})
    assert platform.call("GET", "/platform")[1]["workers"][0]["stop_pod"] is True


@pytest.mark.parametrize(
    ("text_only", "status"), [(True, "COMPLETED"), (False, "FAILED")], ids=["text", "any"]
)
def test_an_error_that_is_no_text(platforms: Any, text_only: bool, status: str) -> None:  # noqa: FBT001 - pytest gives it
    """An error that is no text is dropped with the output, or fails the job, by the settings."""
    platform = platforms.start(text_errors_only=text_only)
    job = platform.client.submit({})
    platform.take()
    platform.done(job.id, {"error": {"code": 1}})
    assert platform.client.status(job.id).status == status


@pytest.mark.parametrize("body", [b'{"output": NaN}', b"{", b"[]", b'{"output": "\\ud800"}', b""])
def test_what_is_no_json_object_is_refused(platform: Any, body: bytes) -> None:
    """A body that is no JSON object is answered 400, and the job goes on."""
    job = platform.client.submit({})
    platform.take()
    assert platform.done(job.id, body) == 400
    assert platform.client.status(job.id).status == "IN_PROGRESS"


def test_results_over_the_limit_are_refused(platforms: Any) -> None:
    """A result that is too large is answered 400; the limit of /runsync is its own."""
    platform = platforms.start(result_limit_bytes=100, sync_result_limit_bytes=300)
    job, sync = platform.client.submit({}), platform.client.submit_sync({}, 0)
    platform.worker("GET", "job-take-batch/w1?batch_size=2")
    assert platform.done(job.id, {"output": "x" * 200}) == 400
    assert platform.done(sync.id, {"output": "x" * 200}) == 200
    assert platform.done(sync.id, {"output": "x" * 400}) == 400


def test_a_result_of_an_unknown_job_is_not_found(platform: Any) -> None:
    """A job that never was has no results."""
    assert platform.done("no-such-job", {"output": 1}) == 404


def test_cancel_reaches_the_worker_once(platform: Any) -> None:
    """A cancelled job is named to its worker by the stop poll, once."""
    job = platform.client.submit({})
    platform.take()
    assert platform.client.cancel(job.id).status == "CANCELLED"
    assert platform.worker("GET", "job-stop/w1?gpu=X") == (200, {"jobsToStop": [job.id]})
    assert platform.worker("GET", "job-stop/w1?gpu=X")[0] == 204


def test_execution_timeout_ends_the_job_and_stops_it(platform: Any) -> None:
    """A job that runs too long is TIMED_OUT, its worker is told, and it can be retried."""
    job = platform.client.submit({}, policy={"executionTimeout": 5000})
    platform.take()
    platform.clock.moved_s += 6
    platform.wait_for(lambda: platform.client.status(job.id).status == "TIMED_OUT")
    assert platform.worker("GET", "job-stop/w1?gpu=X")[1] == {"jobsToStop": [job.id]}
    assert platform.client.retry(job.id).status == "IN_QUEUE"
    assert platform.take()["id"] == job.id


def test_a_silent_workers_job_is_requeued_and_then_fails(platforms: Any) -> None:
    """A job outlives as many lost workers as the settings say, and fails with the next."""
    platform = platforms.start(max_requeues=1, ping_loss_s=30.0)
    job = platform.client.submit({})
    for pod in ("w1", "w2"):
        platform.wait_for(lambda: platform.client.status(job.id).status == "IN_QUEUE")
        assert platform.take(pod)["id"] == job.id
        platform.worker("GET", f"ping/{pod}?gpu=X&job_id={job.id}")
        platform.clock.moved_s += 31
    platform.wait_for(lambda: platform.client.status(job.id).ended)
    ended = platform.client.status(job.id)
    assert (ended.status, "w2 was silent" in str(ended.error)) == ("FAILED", True)
    assert platform.history(job.id)[1:] == ["granted", "requeued", "granted", "gave_up"]
    assert platform.client.health()["jobs"]["retried"] == 1


@pytest.mark.parametrize(("forget_s", "status"), [(5.0, "IN_QUEUE"), (0.0, "IN_PROGRESS")])
def test_a_worker_that_names_the_job_no_more(platforms: Any, forget_s: float, status: str) -> None:
    """A job its worker no longer names is requeued after a while, or never, by the settings."""
    platform = platforms.start(forget_s=forget_s)
    job = platform.client.submit({})
    platform.take()
    platform.worker("GET", "ping/w1?gpu=X")
    platform.clock.moved_s += 6
    platform.worker("GET", "ping/w1?gpu=X")
    platform.wait_for(lambda: platform.client.status(job.id).status == status)


def test_polls_do_not_stand_in_for_a_heartbeat(platforms: Any) -> None:
    """A worker that has pinged and pings no more is lost, however often it asks for jobs."""
    platform = platforms.start(ping_loss_s=30.0, hold_s=0.01)
    job = platform.client.submit({})
    platform.take()
    platform.worker("GET", f"ping/w1?gpu=X&job_id={job.id}")
    platform.clock.moved_s += 20
    assert platform.take() is None
    platform.clock.moved_s += 11
    platform.wait_for(lambda: platform.client.status(job.id).status == "IN_QUEUE")


def test_a_batch_never_holds_a_job_twice(platform: Any) -> None:
    """The second delivery of a job goes to another poll than the first."""
    platform.fault(kind="duplicate_delivery")
    first, second = (platform.client.submit({}).id for _ in range(2))
    batches = [platform.worker("GET", "job-take-batch/w1?batch_size=5")[1] for _ in range(2)]
    assert [[each["id"] for each in batch] for batch in batches] == [[first], [first, second]]


def test_a_stream_is_read_chunk_by_chunk(platform: Any) -> None:
    """Each chunk of a stream is handed to clients once, in order."""
    job = platform.client.submit({})
    platform.take()
    for chunk in ("a", "b"):
        path = f"job-stream/w1/{job.id}?gpu=X&isStream=false"
        assert platform.worker("POST", path, {"output": chunk})[0] == 200
    assert platform.client.stream(job.id) == ("IN_PROGRESS", [{"output": "a"}, {"output": "b"}])
    platform.done(job.id, {"output": []})
    assert platform.client.stream(job.id) == ("COMPLETED", [])


def test_health_counts_workers_by_what_they_do(platform: Any) -> None:
    """Workers are idle, running, initializing or unhealthy, and lost ones are not counted."""
    platform.client.submit({})
    platform.take("busy")
    platform.take("idle")
    platform.worker("GET", "ping/new?gpu=X")
    platform.worker("GET", "ping/sick?gpu=X&status=unhealthy&check=disk&reason=full")
    workers = platform.client.health()["workers"]
    assert workers == {
        "idle": 1,
        "initializing": 1,
        "ready": 2,
        "running": 1,
        "throttled": 0,
        "unhealthy": 1,
    }
    about = platform.call("GET", "/platform")[1]
    assert [each["unhealthy"] for each in about["workers"] if each["pod"] == "sick"] == [
        "disk: full"
    ]
