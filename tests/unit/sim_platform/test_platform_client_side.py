"""What clients get from the platform over HTTP, and what survives."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any

import pytest

from podkeeper.sim.platform.client import Client, PlatformError
from podkeeper.sim.platform.store import StateError, Store


def test_runsync_answers_with_the_result(platform: Any) -> None:
    """A synchronous job's answer is its result, its id says that it was one."""
    answers: list[Any] = []
    call = threading.Thread(target=lambda: answers.append(platform.client.submit_sync({}, 60)))
    call.start()
    platform.wait_for(lambda: platform.hub.book.queue)
    platform.done(platform.take()["id"], {"output": 5})
    call.join(60)
    assert (answers[0].status, answers[0].output) == ("COMPLETED", 5)
    assert answers[0].id.startswith("sync-")


def test_runsync_answers_in_time_without_a_result(platform: Any) -> None:
    """A synchronous job that takes longer than the client waits goes on without it."""
    state = platform.client.submit_sync({}, 0.05)
    assert state.status == "IN_QUEUE"
    assert platform.take()["id"] == state.id
    assert platform.call("POST", "/v2/local/runsync?wait=soon", {"input": {}})[0] == 400


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "cannot read the body"),
        (b"{}", "missing required field `input`"),
        (b'{"input": {}, "policy": {"ttl": "long"}}', "policy.ttl"),
        (b'{"input": {}, "webhook": "http://example.com/"}', "loopback addresses only"),
        (b'{"input": {}, "webhook": "https://127.0.0.1/"}', "loopback addresses only"),
    ],
)
def test_bad_submissions_are_refused(platform: Any, body: bytes, words: str) -> None:
    """A submission that is of no use is answered 400 with the reason."""
    status, answer = platform.call("POST", "/v2/local/run", body)
    assert (status, words in answer["error"]) == (400, True)


def test_submissions_over_the_limit_are_refused(platforms: Any) -> None:
    """A body over the limit of its route is answered 413, and one below is taken."""
    platform = platforms.start(run_limit_bytes=100, runsync_limit_bytes=300)
    body = {"input": {"x": "y" * 150}}
    assert platform.call("POST", "/v2/local/run", body)[0] == 413
    assert platform.call("POST", "/v2/local/runsync?wait=0", body)[0] == 200


def test_a_job_is_gone_after_its_ttl_even_if_it_runs(platform: Any) -> None:
    """At the end of its time to live a job is not found, and its worker is told to stop."""
    job = platform.client.submit({}, policy={"ttl": 10_000})
    platform.take()
    platform.clock.moved_s += 11
    platform.wait_for(lambda: platform.call("GET", f"/v2/local/status/{job.id}")[0] == 404)
    assert platform.worker("GET", "job-stop/w1?gpu=X")[1] == {"jobsToStop": [job.id]}
    assert platform.done(job.id, {"output": 1}) == 200
    assert platform.history(job.id)[2:] == ["expired", "stop_sent", "duplicate"]


def test_results_are_kept_for_a_while(platform: Any) -> None:
    """A result is not found any more once the time for results of its kind is over."""
    job, sync = platform.client.submit({}), platform.client.submit_sync({}, 0)
    for each in (platform.take(), platform.take()):
        platform.done(each["id"], {"output": 1})
    platform.clock.moved_s += platform.hub.settings.sync_result_keep_s + 1
    platform.wait_for(lambda: platform.call("GET", f"/v2/local/status/{sync.id}")[0] == 404)
    assert platform.client.status(job.id).output == 1
    platform.clock.moved_s += platform.hub.settings.result_keep_s
    platform.wait_for(lambda: platform.call("GET", f"/v2/local/status/{job.id}")[0] == 404)
    assert platform.client.health()["jobs"]["completed"] == 2


def test_purge_empties_the_queue_only(platform: Any) -> None:
    """Purging removes what waits and leaves what runs."""
    running, _, _ = (platform.client.submit({}) for _ in range(3))
    platform.take()
    assert platform.client.purge() == 2
    assert platform.client.status(running.id).status == "IN_PROGRESS"
    assert platform.client.health()["jobs"]["inQueue"] == 0


def test_only_what_failed_can_be_retried(platform: Any) -> None:
    """Retrying a job that neither failed nor timed out is refused with its status."""
    job = platform.client.submit({})
    with pytest.raises(PlatformError, match=r"400 cannot retry .* is IN_QUEUE"):
        platform.client.retry(job.id)


def test_unknown_things_are_not_found(platform: Any) -> None:
    """Another endpoint, and a job that never was, are answered 404."""
    assert platform.call("GET", "/v2/other/health")[0] == 404
    assert platform.call("POST", "/v2/local/cancel/none")[0] == 404


def test_the_key_is_asked_for(platforms: Any) -> None:
    """With a key nobody gets in without it, raw or as a bearer, but for the readiness probe."""
    platform = platforms.start(key="secret")
    assert platform.call("GET", "/v2/local/health", key="wrong")[0] == 401
    assert platform.call("GET", "/v2/local/ping/w1?gpu=X", key="Bearer nö")[0] == 401
    assert platform.call("GET", "/platform", key="wrong")[0] == 401
    assert platform.call("GET", "/v2/local/health", key="secret")[0] == 200
    assert platform.call("GET", "/v2/local/health", key="Bearer secret")[0] == 200
    assert platform.call("GET", "/ready", key="wrong")[0] == 200
    with pytest.raises(PlatformError, match="401"):
        Client(platform.url).health()


def test_everything_is_there_after_a_restart(platforms: Any) -> None:
    """Queued and running jobs, results, stops and counts outlive the platform."""
    first = platforms.start()
    done, running, queued = (first.client.submit({"n": n}) for n in range(3))
    first.take()
    first.take()
    first.done(done.id, {"output": "kept"})
    first.client.cancel(running.id)
    first.stop()
    second = platforms.start()
    platforms.running.remove(first)
    assert second.client.status(done.id).output == "kept"
    assert second.worker("GET", "job-stop/w1?gpu=X")[1] == {"jobsToStop": [running.id]}
    assert second.take() == {"id": queued.id, "input": {"n": 2}}
    assert second.client.submit({}).status == "IN_QUEUE"
    assert second.client.health()["jobs"]["completed"] == 1


def test_a_worker_is_not_lost_because_the_platform_was_away(platforms: Any) -> None:
    """The silence of workers counts from the platform's return."""
    first = platforms.start()
    job = first.client.submit({})
    first.take()
    first.worker("GET", f"ping/w1?gpu=X&job_id={job.id}")
    first.stop()
    platforms.running.remove(first)
    second = platforms.start(away_s=300.0)
    probe = second.client.submit({}, policy={"ttl": 1000})
    second.clock.moved_s += platforms.base.ping_loss_s - 5
    second.wait_for(lambda: second.call("GET", f"/v2/local/status/{probe.id}")[0] == 404)
    assert second.client.status(job.id).status == "IN_PROGRESS"
    second.clock.moved_s += 5
    second.wait_for(lambda: second.client.status(job.id).status == "IN_QUEUE")


def test_two_platforms_never_share_a_state_file(platforms: Any) -> None:
    """A state file in use, or one that is none, is refused with its name."""
    platforms.start()
    with pytest.raises(StateError, match=r"state\.sqlite3"):
        Store(platforms.path, wait_s=0.01)


def test_a_file_that_is_no_state_is_refused(tmp_path: Any) -> None:
    """A file of another kind is left alone and named."""
    path = tmp_path / "other"
    path.write_text("not a database, " * 100)
    with pytest.raises(StateError, match="not a database"):
        Store(path)


class _Heard(http.server.BaseHTTPRequestHandler):
    bodies: list[Any]

    def do_POST(self) -> None:
        """Take a webhook: refuse the first, accept the next."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.bodies.append(body)
        self.send_response(500 if len(self.bodies) == 1 else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_webhook_hears_of_the_end(platforms: Any) -> None:
    """A loopback webhook gets the job's status, again after a refusal, and once."""
    heard = type("Heard", (_Heard,), {"bodies": []})
    platform = platforms.start(webhook_pause_s=0.01)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), heard) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/hook?a=b"
        job = platform.client.submit({}, webhook=url)
        platform.take()
        platform.done(job.id, {"output": 1})
        platform.done(job.id, {"output": 2})
        platform.wait_for(lambda: len(heard.bodies) == 2)
        server.shutdown()
        thread.join()
    assert [(each["id"], each["output"]) for each in heard.bodies] == [(job.id, 1)] * 2


def test_the_platform_says_what_it_is(platform: Any) -> None:
    """Its page names it a stand-in, with its parameters and whether a key is asked for."""
    about = platform.call("GET", "/platform")[1]
    assert "stand-in" in about["what"]
    assert about["parameters"]["max_requeues"] == platform.hub.settings.max_requeues
    assert about["auth"] is False


def test_the_end_does_not_wait_for_polls(platforms: Any) -> None:
    """A platform that ends answers its held polls at once."""
    platform = platforms.start(hold_s=3600.0)
    answers: list[int] = []
    poll = threading.Thread(
        target=lambda: answers.append(platform.worker("GET", "job-take/w1?gpu=X")[0])
    )
    poll.start()
    platform.wait_for(lambda: "w1" in platform.hub.book.workers)
    platforms.stop()
    poll.join(60)
    assert answers == [204]
