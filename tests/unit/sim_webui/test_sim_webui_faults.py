"""The simulated WebUI's faults, those of its options and its routes at their limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from podkeeper.settings.convert import convert
from podkeeper.settings.layers import Leaf
from podkeeper.sim.webui.faults import KINDS, FaultError, Faults
from podkeeper.sim.webui.world import Flags

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim_webui_client import Sim

    MakeSim = Callable[..., Sim]


def switch(sim: Sim, **faults: Any) -> Any:
    """Switch faults on or off."""
    return sim.post("/sim/faults", faults)


def test_the_simulator_says_what_it_is(sim: Sim) -> None:
    """Its page names it, lists every fault, and a header of every answer says it too."""
    told = sim.get("/sim")
    assert told.json()["simulator"] is True
    assert set(told.json()["known_faults"]) == set(KINDS)
    assert told.headers["server"] == sim.get("/nope").headers["server"] == "podkeeper-sim-webui"


@pytest.mark.parametrize("wrong", [{"banana": {}}, {"die": {"now": 1}}, {"oom": {"jobs": "x"}}])
def test_unknown_faults_and_parameters_are_refused(sim: Sim, wrong: dict[str, Any]) -> None:
    """A mistyped fault is told of, and no other fault of the request is switched."""
    answer = sim.post("/sim/faults", {"html_errors": {}, **wrong})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("cannot switch on")
    assert sim.get("/sim").json()["faults"] == {}


def test_a_setting_that_names_no_fault_is_refused() -> None:
    """Texts of the settings are read with their parameters, or refused."""
    assert Faults(["die:after_jobs=2:at_progress=0.3"]).active() == {
        "die": {"after_jobs": 2, "at_progress": 0.3}
    }
    with pytest.raises(FaultError, match="die"):
        Faults(["die:after=2"])


@pytest.mark.parametrize("name", KINDS)
def test_every_fault_can_be_named_in_the_settings(name: str) -> None:
    """What the simulator knows as a fault passes the settings' own check."""
    value, complaint = convert(Leaf("sim_webui.faults", name, "test"))
    assert (value, complaint) == ([name], None)


def test_die_kills_in_the_job_after_so_many(make_sim: MakeSim) -> None:
    """The kill comes in the third job where two were granted, at its progress."""
    deaths: list[int] = []
    sim = make_sim(
        die=lambda: deaths.append(sim.world.progress.sampling_step),
        faults=["die:after_jobs=2:at_progress=0.5"],
    )
    for _ in range(2):
        sim.txt2img(steps=4)
    assert deaths == []
    sim.txt2img(steps=4)
    assert deaths[0] == 2


def test_a_hung_job_stands_still_until_it_is_let_go(make_sim: MakeSim) -> None:
    """Its progress stands, an interrupt does not help, other routes answer; then it goes on."""
    sim = make_sim(faults=["hang:at_progress=0.5"])
    job = sim.later(lambda: sim.txt2img(steps=4))
    sim.wait(lambda: sim.get("progress").json()["progress"] >= 0.5)
    sim.post("interrupt")
    assert sim.get("progress").json()["state"]["sampling_step"] == 2
    assert job.running
    switch(sim, hang=None)
    assert job.result().status_code == 200


def test_a_hung_server_answers_nothing_but_its_own_page(sim: Sim) -> None:
    """With every route hung the fault can still be lifted, and then the answers come."""
    switch(sim, hang={"scope": "all"})
    waiting = sim.later(lambda: sim.get("memory"))
    assert sim.get("/sim").json()["faults"]["hang"]["scope"] == "all"
    assert waiting.running
    switch(sim, hang=None)
    assert waiting.result().status_code == 200


@pytest.mark.parametrize(
    ("seen_as", "words"),
    [
        ("OutOfMemoryError", '"error":"OutOfMemoryError"'),
        ("ExceptionGroup", "unhandled errors in a TaskGroup (1 sub-exception)"),
        ("text", "Internal Server Error"),
    ],
)
def test_so_many_jobs_run_out_of_memory_on_demand(sim: Sim, seen_as: str, words: str) -> None:
    """The next jobs fail, worded as asked for, and are counted; the one after them works."""
    switch(sim, oom={"jobs": 2, "seen_as": seen_as})
    for _ in range(2):
        failed = sim.txt2img()
        assert failed.status_code == 500
        assert words in failed.text
    assert sim.txt2img().status_code == 200
    assert sim.get("memory").json()["cuda"]["events"]["oom"] == 2


def test_html_errors_meet_jobs_or_everything(sim: Sim) -> None:
    """A proxy's page with the asked status comes for jobs alone, or for every route."""
    switch(sim, html_errors={"status": 502})
    failed = sim.txt2img()
    assert (failed.status_code, failed.headers["content-type"][:9]) == (502, "text/html")
    assert sim.get("progress").status_code == 200
    switch(sim, html_errors={"scope": "all"})
    assert sim.get("progress").text.startswith("<html>")
    switch(sim, html_errors=None)
    assert sim.txt2img().status_code == 200


def test_a_server_that_is_never_ready_says_so(sim: Sim) -> None:
    """Switched on at run time, every route answers 503."""
    switch(sim, never_ready={"mode": "503"})
    assert sim.get("progress").status_code == 503


def test_options_of_a_wrong_type_are_saved_and_poison_jobs(
    make_sim: MakeSim, tmp_path: Path
) -> None:
    """The set answers 200, jobs and reads then fail, also after a restart, until it is mended."""
    flags = Flags(options_file=tmp_path / "config.json")
    sim = make_sim(flags=flags)
    assert sim.post("options", {"CLIP_stop_at_last_layers": "abc"}).json() is None
    for server in (sim, make_sim(flags=flags)):
        assert server.txt2img().json()["error"] == "TypeError"
        assert server.get("options").json()["error"] == "ValidationError"
    assert server.post("options", {"CLIP_stop_at_last_layers": 2}).status_code == 200
    assert server.txt2img().status_code == 200
    assert server.get("options").json()["CLIP_stop_at_last_layers"] == 2


@pytest.mark.parametrize(
    ("body", "type_header", "text"),
    [
        (b"", "application/json", "value_error.missing"),
        (b"[1]", "application/json", "type_error.dict"),
        (b'{"steps": 1}', "text/plain", "type_error.dict"),
        (b'{"styles": ["a", {}]}', "application/json", '"loc":["body","styles",1]'),
        (b'{"tiling": "perhaps"}', "application/json", "type_error.bool"),
        (b"\xff", "application/json", "422"),
    ],
)
def test_malformed_requests_get_pydantics_list(
    sim: Sim, body: bytes, type_header: str, text: str
) -> None:
    """Every malformed body is answered 422 with where it is wrong and how."""
    headers = {"content-type": type_header}
    answer = sim.client.post("/sdapi/v1/txt2img", content=body, headers=headers)
    assert answer.status_code == 422
    assert text in answer.text or text == "422"


def test_unknown_scripts_are_refused_before_the_queue(sim: Sim) -> None:
    """A script of an extension that is not installed is not found, known ones pass."""
    unknown = sim.txt2img(alwayson_scripts={"ControlNet": {"args": []}})
    assert unknown.status_code == 422
    assert unknown.json()["detail"] == "Script 'ControlNet' not found"
    assert sim.txt2img(alwayson_scripts={"Refiner": {"args": []}}).status_code == 200
    assert sim.world.counters.values["jobs_begun"] == 1


def test_routes_depend_on_the_command_line(make_sim: MakeSim) -> None:
    """The ping route needs the UI and the stop routes their flag; HEAD is never answered."""
    plain, full = make_sim(), make_sim(flags=Flags(ui=True, api_server_stop=True))
    assert plain.get("/internal/ping").status_code == 404
    assert full.get("/internal/ping").json() == {}
    assert plain.post("server-stop").status_code == 404
    assert full.post("server-stop").text == "Stopping."
    assert full.post("server-restart").status_code == 501
    assert plain.client.head("/sdapi/v1/progress").status_code == 405


def test_health_requests_wait_behind_a_full_thread_pool(make_sim: MakeSim) -> None:
    """With every thread taken by jobs a progress request waits; unknown routes are answered."""
    sim = make_sim(threads=2, faults=["hang"])
    jobs = [sim.later(sim.txt2img) for _ in range(2)]
    sim.wait(lambda: sim.world.queue.depth == 2)
    health = sim.later(lambda: sim.get("progress"))
    assert sim.get("/nope").status_code == 404
    assert health.running
    sim.world.faults.switch({"hang": None})
    assert [each.result().status_code for each in (*jobs, health)] == [200, 200, 200]


def test_pictures_can_be_enlarged_and_read(sim: Sim) -> None:
    """Extras give the asked size, the parameters survive, and png-info reads them."""
    image = sim.txt2img().json()["images"][0]
    asked = {"resize_mode": 1, "upscaling_resize_w": 96, "upscaling_resize_h": 80}
    larger = sim.post("extra-single-image", {"image": image, "upscaler_1": "Lanczos", **asked})
    assert larger.json()["html_info"].startswith("<p>Postprocess upscale to: 96x80")
    batch = {"imageList": [{"name": "a", "data": image}], "upscaler_1": "Lanczos"}
    assert len(sim.post("extra-batch-images", batch).json()["images"]) == 1
    told = sim.post("png-info", {"image": larger.json()["image"]}).json()
    assert told["parameters"]["Prompt"] == "a cat"
    caption = sim.post("interrogate", {"image": image}).json()["caption"]
    assert "simulated" in caption
