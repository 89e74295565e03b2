"""The handler program on the unmodified RunPod SDK, between a gateway and a WebUI on loopback."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from handler_process import handler, plan_of
from handler_standins import PATIENCE_S, StandInGateway, StandInWebUI, image, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator


def result_of(gateway: StandInGateway, job_id: str) -> dict[str, Any]:
    """Return what ended a job."""
    return wait_for(lambda: gateway.results(job_id), f"the result of {job_id}")[0]


@pytest.fixture
def gateway() -> Iterator[StandInGateway]:
    """Return a gateway that lives as long as the test."""
    with StandInGateway() as standin:
        yield standin


@pytest.fixture
def webui() -> Iterator[StandInWebUI]:
    """Return a WebUI that lives as long as the test."""
    with StandInWebUI() as standin:
        yield standin


def test_jobs_end_once_as_completed_or_failed(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """Good jobs complete, bad ones fail readably, each once; no prompt or key is logged."""
    html = (500, "text/html", b"<html>broken</html>")
    rejected = (422, "application/json", b'{"detail":[{"loc":["body","eta"],"msg":"no"}]}')
    webui.script = ["ok", "ok", html, rejected]
    with handler(tmp_path, gateway, webui) as running:
        prompt = {"prompt": "a very private lighthouse", "steps": 2}
        gateway.submit("good", {**prompt, "num_inference_steps": 3, "batch_size": 2})
        result = result_of(gateway, "good")
        assert "error" not in result
        output = result["output"]
        assert [base64.b64decode(each)[:4] for each in output["images"]] == [b"\x89PNG"] * 2
        assert output["info"]["all_seeds"] == output["seeds"]
        assert output["warnings"] == ["num_inference_steps is not used: steps is given, too"]

        gateway.submit("img2img", {"init_images": [image()], "prompt": "x"})
        assert "error" not in result_of(gateway, "img2img")

        gateway.submit("html", prompt)
        assert result_of(gateway, "html")["error"].startswith("WEBUI_FAILED: the WebUI answered")
        gateway.submit("rejected", prompt)
        assert result_of(gateway, "rejected")["error"].startswith("WEBUI_REJECTED: ")

        gateway.submit("bad", {**prompt, "steps": 0})
        bad = result_of(gateway, "bad")
        assert bad["error"] == "INPUT_INVALID: steps = 0: must be a whole number from 1 to 150"
        assert bad["output"]["error_detail"]["fields"][0]["field"] == "steps"
        gateway.submit("sampler", {**prompt, "sampler_name": "Eulr"})
        assert "(did you mean Euler?)" in result_of(gateway, "sampler")["error"]

        assert running.leave() == 0
        names = ("good", "img2img", "html", "rejected", "bad", "sampler")
        assert [len(gateway.results(name)) for name in names] == [1] * len(names)
        assert len(webui.bodies) == 4
        assert "job bad ended: FAILED INPUT_INVALID" in running.log
        assert "lighthouse" not in running.log
        assert "test-key" not in running.log


def test_a_job_survives_a_webui_that_dies(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """A WebUI that dies mid-job costs time: the second attempt has the same seed, and completes."""
    webui.script = ["die"]
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("again", {"prompt": "x"})
        assert result_of(gateway, "again")["output"]["seeds"] == [webui.bodies[0]["seed"]]
        assert webui.bodies[0] == webui.bodies[1]
        assert running.leave() == 0


def test_progress_comes_before_the_result(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """Progress is posted with the SDK's key, never falls, and never arrives after the result."""
    webui.script = ["hang"]
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("slow", {"prompt": "x"})
        wait_for(lambda: webui.busy, "the job at the WebUI")
        for step in range(1, 11):
            state = {
                "job": "scripts_txt2img",
                "job_count": 1,
                "job_no": 0,
                "sampling_step": step,
                "sampling_steps": 10,
            }
            webui.progress = {"progress": step / 10, "eta_relative": 10.0 - step, "state": state}
            wait_for(
                lambda: any(
                    each["output"]["step"] == state["sampling_step"]  # noqa: B023 - used at once
                    for each in gateway.messages("slow")
                ),
                f"step {step}",
            )
        webui.release.set()
        result_of(gateway, "slow")
        assert running.leave() == 0
    posts = [(message, key) for name, message, key in gateway.posts if name == "slow"]
    assert {key for _, key in posts} == {"test-key"}
    told = [message["output"]["progress"] for message, _ in posts[:-1]]
    assert told == sorted(told)
    assert "status" not in posts[-1][0]
    assert posts[-2][0]["output"]["phase"] == "decoding"


def test_a_stopped_job_stops_the_webui(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """The platform's stop interrupts the WebUI, posts no result, and the next job runs clean."""
    webui.script = ["hang"]
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("unwanted", {"prompt": "x"})
        wait_for(lambda: webui.busy, "the job at the WebUI")
        gateway.stops.put("unwanted")
        wait_for(lambda: webui.interrupts and not webui.busy, "the interrupt")
        gateway.submit("next", {"prompt": "y"})
        assert "error" not in result_of(gateway, "next")
        assert running.leave() == 0
        assert gateway.results("unwanted") == []
        assert "job unwanted ended: CANCELLED" in running.log


def test_sigterm_finishes_the_job_in_hand(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """SIGTERM during a job: the job completes, then the process leaves with 0."""
    webui.script = ["hang"]
    with handler(tmp_path, gateway, webui) as running:
        gateway.submit("last", {"prompt": "x"})
        wait_for(lambda: webui.busy, "the job at the WebUI")
        running.process.send_signal(signal.SIGTERM)
        webui.release.set()
        assert "error" not in result_of(gateway, "last")
        assert running.process.wait(PATIENCE_S) == 0


def test_as_many_jobs_run_as_there_are_webuis(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """With two WebUIs two jobs run at once, each on its own."""
    webui.script = ["hang"]
    with (
        StandInWebUI(["hang"]) as second,
        handler(tmp_path, gateway, [webui, second]) as running,
    ):
        for name in ("one", "two"):
            gateway.submit(name, {"prompt": name})
        wait_for(lambda: webui.busy and second.busy, "both WebUIs at work")
        webui.release.set()
        second.release.set()
        assert all("error" not in result_of(gateway, name) for name in ("one", "two"))
        assert running.leave() == 0


def test_a_webui_that_never_comes_fails_the_job(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """A job without a ready WebUI fails by name after the bounded wait, having said it waits."""
    webui.is_ready = False
    with handler(tmp_path, gateway, webui, "handler.ready_wait_s=1s") as running:
        gateway.submit("stranded", {"prompt": "x"})
        assert result_of(gateway, "stranded")["error"].startswith("WEBUI_UNREACHABLE: ")
        assert gateway.messages("stranded")[0]["output"]["phase"] == "waiting"
        assert running.leave() == 0


def test_it_refuses_to_start_without_a_platform(tmp_path: Path, webui: StandInWebUI) -> None:
    """Without the platform's addresses the start ends with one readable line and exit code 2."""
    environment = {
        "PATH": os.environ["PATH"],
        "PODKEEPER_PLAN": str(plan_of(tmp_path, [webui.readiness_url], ())),
        "HOME": str(tmp_path),
    }
    run = subprocess.run(
        [sys.executable, "-m", "handler"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr == (
        "cannot take jobs: RUNPOD_WEBHOOK_GET_JOB is not set; the platform sets it\n"
    )


def test_a_heartbeat_that_dies_is_replaced_and_names_the_job_in_hand(
    tmp_path: Path, gateway: StandInGateway, webui: StandInWebUI
) -> None:
    """The SDK would go on without one, and the platform give the job to another worker."""
    webui.script = ["hang"]
    with handler(tmp_path, gateway, webui, "runpod.ping_interval_s=1") as running:
        gateway.submit("held", {"prompt": "x", "steps": 2})
        wait_for(lambda: "held" in gateway.pings, "a ping that names the job")
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        (heartbeat,) = map(int, children.read_text().split())
        os.kill(heartbeat, signal.SIGKILL)
        wait_for(lambda: str(heartbeat) not in children.read_text().split(), "its end")
        gateway.pings.clear()
        wait_for(lambda: "held" in gateway.pings, "another that names the job")
        webui.release.set()
        assert "error" not in result_of(gateway, "held")
        assert running.leave() == 0
