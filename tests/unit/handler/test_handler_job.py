"""One job's way, against a tiny real WebUI."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fitting_standin import fitting
from handler_standins import PATIENCE_S, StandInWebUI, image
from worker_standin import LIMITS, TIMES, Unwritten

from handler.attempt import Times
from handler.job import Terms
from handler.pool import Pool
from handler.progress import Phase, Reading
from handler.sender import Sender
from handler.threads import in_thread, undisturbed
from handler.webui import WebUI
from handler.worker import Book, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def server() -> Iterator[StandInWebUI]:
    """Return a WebUI that lives as long as the test."""
    with StandInWebUI() as standin:
        yield standin
        standin.release.set()


def no_post(_job_id: str, _message: dict[str, object]) -> None:
    """Send no progress."""


def worker(
    *servers: StandInWebUI,
    times: Times = TIMES,
    wait_s: float = PATIENCE_S,
    max_result_bytes: int = 1 << 20,
    post: Callable[[str, dict[str, object]], None] = no_post,
) -> Worker:
    """Return a worker in front of the servers."""
    webuis = [
        WebUI(f"webui-{index}", each.readiness_url, probe_timeout_s=30.0, max_answer_bytes=1 << 20)
        for index, each in enumerate(servers)
    ]
    pool = Pool(webuis, wait_s=wait_s, period_s=0.01)
    book = Book(Unwritten(Path("work.json"), "run", 60.0), set)
    # A folder that is not there: nothing is learned from one test for another.
    terms = Terms(LIMITS, times, 2, max_result_bytes, fitting(Path("/nonexistent")))
    return Worker(terms, pool, post, 0.05, book)


def run(made: Worker, **fields: Any) -> dict[str, Any]:
    """Return what a job with these fields ends with."""
    job = {"id": "job-1", "input": {"prompt": "private", **fields}}
    return asyncio.run(made.handle(job))


async def until(condition: Callable[[], Any]) -> None:
    """Return once the condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in threads
            await asyncio.sleep(0.005)


def test_a_job_ends_with_its_images(server: StandInWebUI, caplog: pytest.LogCaptureFixture) -> None:
    """A good job comes back with images and seeds, and the log has its id but not its prompt."""
    caplog.set_level(logging.DEBUG)
    made = run(worker(server), batch_size=2, sampler_name="DPM++ 2M Karras")
    assert len(made["images"]) == 2
    assert made["seeds"] == [server.bodies[0]["seed"], server.bodies[0]["seed"] + 1]
    assert server.bodies[0]["scheduler"] == "Karras"
    assert "job job-1 ended: COMPLETED" in caplog.text
    assert "private" not in caplog.text


def test_a_bad_input_does_not_touch_the_webui(server: StandInWebUI) -> None:
    """A job that cannot be good fails before the WebUI is even asked whether it is ready."""
    server.is_ready = False
    made = run(worker(server), steps=0)
    assert made["error"].startswith("INPUT_INVALID: steps = 0")
    assert made["error_detail"]["code"] == "INPUT_INVALID"


def test_a_new_checkpoint_is_found_in_a_fresh_list(server: StandInWebUI) -> None:
    """A name that the kept list lacks is looked up anew before the job is refused."""
    made = worker(server)
    chosen = {"override_settings": {"sd_model_checkpoint": "new"}}
    assert run(made, **chosen)["error"].startswith("INPUT_INVALID: override_settings.sd_model")
    server.lists["sd-models"] = [{"title": "new.safetensors", "model_name": "new"}]
    assert run(made, **chosen)["images"]
    assert len(server.bodies) == 1


def test_a_death_is_retried_with_the_same_seeds(server: StandInWebUI) -> None:
    """The second attempt is the very same request, and the result says that there were two."""
    server.script = ["die"]
    made = run(worker(server))
    assert made["images"]
    assert server.bodies[0] == server.bodies[1]
    assert made["warnings"] == ["the WebUI died 1 time(s); tried again"]


def test_a_job_under_which_the_webui_dies_again_fails_by_name(server: StandInWebUI) -> None:
    """The second death under one job ends it; it is not tried a third time."""
    server.script = ["die", "die"]
    made = run(worker(server))
    assert made["error"] == ("POISON_JOB: the WebUI died under the job in each of 2 attempts")
    assert made["error_detail"]["attempts"] == 2
    assert len(server.bodies) == 2


def test_an_error_of_the_webui_is_not_retried(server: StandInWebUI) -> None:
    """An answer is an answer: what is no failure of memory fails the job at once."""
    body = b'{"error":"NansException","detail":"","body":"","errors":"A tensor with NaNs"}'
    server.script = [(500, "application/json", body)]
    made = run(worker(server))
    assert made["error"].startswith("WEBUI_FAILED: the WebUI answered 500: NansException")
    assert made["error_detail"]["status"] == 500
    assert len(server.bodies) == 1


def test_no_ready_webui_fails_after_a_bounded_wait(server: StandInWebUI) -> None:
    """A job that no WebUI takes says that it waits, and then fails."""
    server.is_ready = False
    told: list[dict[str, object]] = []
    made = run(worker(server, wait_s=0.2, post=lambda _, message: told.append(message)))
    assert made["error"] == "WEBUI_UNREACHABLE: no WebUI was ready within 200ms"
    assert [each["phase"] for each in told] == ["waiting"]


def test_a_job_that_takes_too_long_is_interrupted(server: StandInWebUI) -> None:
    """At the end of its time the WebUI is interrupted, and free for the next job."""
    server.script = ["hang"]
    times = Times(
        job_timeout_s=0.2, interrupt_wait_s=20.0, interrupt_period_s=0.02, progress_period_s=0.01
    )
    made = worker(server, times=times)
    result = run(made)
    assert result["error"] == (
        "JOB_TIMEOUT: the job took longer than 200ms; the WebUI was interrupted"
    )
    assert result["error_detail"]["interrupted"] is True
    assert server.interrupts
    assert not made.pool.webuis[0].suspect


def test_a_webui_that_ignores_the_interrupt_is_remembered(server: StandInWebUI) -> None:
    """The job still ends, and no other is sent there until the WebUI works on nothing."""
    server.script = ["hang"]
    server.heeds_interrupts = False
    times = Times(
        job_timeout_s=1.5, interrupt_wait_s=0.1, interrupt_period_s=0.02, progress_period_s=0.01
    )
    made = worker(server, times=times, wait_s=0.2)
    assert "does not react to an interrupt" in run(made)["error"]
    assert made.pool.webuis[0].suspect
    assert run(made)["error"].startswith("WEBUI_UNREACHABLE")
    server.release.set()

    async def idle_then_run() -> dict[str, Any]:
        await until(lambda: not server.busy)
        return await made.handle({"id": "job-2", "input": {"prompt": "x"}})

    assert len(server.bodies) == 1
    assert asyncio.run(idle_then_run())["images"]


def test_a_cancelled_job_interrupts_the_webui_and_waits(server: StandInWebUI) -> None:
    """However often a job is cancelled, its end comes only when the WebUI has stopped."""
    server.script = ["hang"]
    made = worker(server)

    async def cancel() -> None:
        job = asyncio.create_task(made.handle({"id": "job-1", "input": {"prompt": "x"}}))
        await until(lambda: server.busy)
        job.cancel()
        await until(lambda: server.interrupts)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await until(lambda: not server.busy)

    asyncio.run(cancel())
    assert made.pool.webuis[0].load == 0
    assert not made.pool.webuis[0].suspect


def test_a_result_too_large_fails(server: StandInWebUI) -> None:
    """A result that the platform would refuse ends as FAILED with both sizes."""
    made = run(worker(server, max_result_bytes=100))
    assert made["error"].startswith("OUTPUT_TOO_LARGE: the result is ")
    assert made["error_detail"]["max_bytes"] == 100


def test_a_question_is_answered(server: StandInWebUI) -> None:
    """A read-only question of a client goes to the WebUI and back."""
    job = {"id": "j", "input": {"api": {"method": "GET", "endpoint": "/sdapi/v1/samplers"}}}
    made = asyncio.run(worker(server).handle(job))
    assert made["response"][0]["name"] == "DPM++ 2M"


def test_jobs_spread_over_the_webuis(server: StandInWebUI) -> None:
    """Two jobs at once run on two WebUIs, and one on the WebUI that is ready."""
    with StandInWebUI(["hang"]) as second:
        server.script = ["hang"]
        made = worker(server, second)

        async def both() -> list[dict[str, Any]]:
            jobs = [
                asyncio.create_task(made.handle({"id": str(index), "input": {"prompt": "x"}}))
                for index in range(2)
            ]
            await until(lambda: server.busy and second.busy)
            server.release.set()
            second.release.set()
            return await asyncio.gather(*jobs)

        assert all(each["images"] for each in asyncio.run(both()))
        server.is_ready = False
        assert run(made, init_images=[image()])["images"]
        assert len(second.bodies) == 2


def test_a_failure_of_the_handler_itself_is_a_failed_job(
    server: StandInWebUI, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error ends one job as INTERNAL, with its place in the log and no contents."""
    server.lists["sd-models"] = [{"title": 7, "filename": "x", "private": ["private"]}]
    server.lists["samplers"] = [{"name": "Euler", "aliases": 7}]
    made = run(worker(server), sampler_name="Euler")
    assert made["error"] == "INTERNAL: the handler failed with TypeError; see its log"
    assert "job job-1: TypeError at " in caplog.text
    assert "private" not in caplog.text


def test_nothing_is_on_its_way_after_the_sender_is_closed() -> None:
    """Messages go one at a time, the newest next, and closing waits for the one that is out."""
    out, may_arrive, arrived = threading.Event(), threading.Event(), []

    def post(message: dict[str, object]) -> None:
        out.set()
        may_arrive.wait(PATIENCE_S)
        arrived.append(message["progress"])

    async def close_meanwhile() -> None:
        sender = Sender(post, step_ratio=0.01)
        for progress in (0.1, 0.2, 0.3):
            sender.tell(Reading(Phase.sampling, progress))
            await until(out.is_set)
        closing = asyncio.create_task(sender.close())
        await asyncio.sleep(0)
        assert not closing.done()
        closing.cancel()
        may_arrive.set()
        await closing
        assert arrived == [0.1]

    asyncio.run(close_meanwhile())
    assert arrived == [0.1]


def test_a_thread_gives_back_what_it_made_or_raised() -> None:
    """A call in a thread returns, raises, and may outlive the one who awaited it."""
    hold = threading.Event()

    async def calls() -> None:
        assert await in_thread(divmod, 7, 3) == (2, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)
        abandoned = asyncio.create_task(in_thread(hold.wait, PATIENCE_S))
        await asyncio.sleep(0)
        abandoned.cancel()
        with pytest.raises(asyncio.CancelledError):
            await abandoned

    asyncio.run(calls())
    hold.set()


def test_undisturbed_work_ends_in_spite_of_cancellations() -> None:
    """Cleaning up runs to its end however often its caller is cancelled."""

    async def clean_up() -> str:
        gate = asyncio.Event()

        async def work() -> str:
            await gate.wait()
            return "clean"

        task = asyncio.create_task(undisturbed(work()))
        for _ in range(3):
            await asyncio.sleep(0)
            task.cancel()
        await asyncio.sleep(0)
        gate.set()
        return await task

    assert asyncio.run(clean_up()) == "clean"
